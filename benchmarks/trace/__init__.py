"""What one submission passes through: files, functions and changes of thread."""
