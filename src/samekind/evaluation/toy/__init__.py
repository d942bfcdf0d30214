"""A generated world of shapes whose captions and edits are exact, for what real labelled pictures cannot show.

    Scene ──language.caption──▶ text ──language.hear──▶ Heard
      ├──edits──▶ Edit (text, exact results) ──queries──▶ gallery and ToyQuery with exact targets
      ├──draw──▶ pixels
      └──towers──▶ vectors of pictures and words, made from attributes ──swaps──▶ does an encoder hear word order?

Nothing here learns or asks a network, and everything is the same from one process to the next.
"""
