"""Reading what a tuned model answered: matrices, metrics, and what kind of forgetting it is. No torch here."""
