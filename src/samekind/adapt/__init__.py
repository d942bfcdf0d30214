"""What is learned from whole collections, without labels: the kinds that they are made of."""
