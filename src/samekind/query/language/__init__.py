"""A picture and a change, put into the words of one caption: what composed search asks a text encoder with.

    picture ──Captioner──▶ caption ──Rewriter (and the change)──▶ text        composed.py runs it, with the fall-back

``protocols.py`` says what the parts are; they are an endpoint (``endpoint.py``, over ``chat.py``), a model on this
machine (``local.py``), or rules that need nothing (``rules.py``). ``cached.py`` keeps what they answered.
"""
