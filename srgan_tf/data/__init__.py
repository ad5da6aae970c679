"""Pictures: where they come from, and how they become batches of aligned LR and HR patches. No networks here."""
