-- needs: measure
measure(KEYS[1], 1)
