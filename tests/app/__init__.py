"""What an operator types, and what the program answers."""
