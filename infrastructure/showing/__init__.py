"""What every door says, whoever asks: documents, words, advice."""
