"""What users declare: handlers with their options, methods among them, and what is done around them."""
