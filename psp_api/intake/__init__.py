"""`/transactions`: bodies in, group commit, answers out."""
