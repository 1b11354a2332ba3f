-- needs: now load
return load(KEYS[1], KEYS[2], KEYS[3])
