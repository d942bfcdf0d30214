"""Words and pictures in one space, without a network that was trained on both: named concepts and sentence vectors."""

from samekind.meaning.concepts import CONCEPTS, concept_encoder, concept_names, split_concepts
from samekind.meaning.sentences import sentence_vectors, sentences_there
from samekind.meaning.space import MeaningSpace

__all__ = [
    "CONCEPTS",
    "MeaningSpace",
    "concept_encoder",
    "concept_names",
    "sentence_vectors",
    "sentences_there",
    "split_concepts",
]
