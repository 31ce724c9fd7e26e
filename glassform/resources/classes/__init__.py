"""Class mode: a teacher's board, the phones of a class, and what came of their guesses."""
