"""What a handle task needs: its delivery, its time limit, and the burying of what no handler can take."""
