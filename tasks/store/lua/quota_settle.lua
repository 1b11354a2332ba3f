-- needs: now day quota settle
of(1, ARGV[1])
return settle()
