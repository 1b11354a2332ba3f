-- needs: measure finish
finish(KEYS[1], ARGV[1], ARGV[2], KEYS[2], 3)
