"""The words of every door, whoever asks: documents, words, advice."""
