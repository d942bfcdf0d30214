"""How well a picture and words together find pictures: composed queries, exact measures, files for the test servers.

    annotation files ──cirr, circo, fashion_iq, genecis, own──▶ Benchmark of ComposedQuery
    scores, rows or names ──Rankings.from_...──▶ Rankings ──measures──▶ Scores
                                                     └──submissions──▶ files that a server scores

What measures takes rankings and asks no encoder; whatever made a ranking is measured alike. Here collections make them:

    a file and a folder of pictures ──run (our own), annotated (published)──▶ Benchmark and the pictures' places
                                    ──asking──▶ Rankings by every method ──run, published──▶ figures of every method
"""
