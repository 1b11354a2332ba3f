"""Whether `/metrics` tells the truth while workers are killed, and what a scrape takes with a hundred thousand accounts."""
