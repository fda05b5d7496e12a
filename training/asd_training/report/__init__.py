"""What a run found, on one page, and runs side by side. Reads run folders; needs no deep learning library."""
