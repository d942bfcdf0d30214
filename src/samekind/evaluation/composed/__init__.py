"""How well a picture and words together find pictures: composed queries, exact measures, files for the test servers.

    annotation files ──cirr, circo, fashion_iq, genecis, own──▶ Benchmark of ComposedQuery
    scores, rows or names ──Rankings.from_...──▶ Rankings ──measures──▶ Scores
                                                     └──submissions──▶ files that a server scores

This room takes rankings and asks no encoder; whatever made a ranking is measured alike.
"""
