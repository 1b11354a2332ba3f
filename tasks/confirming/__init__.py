"""What a confirm needs: telling the platform, and counting what became of the messages."""
