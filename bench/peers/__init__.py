"""Other engines, as the scenarios use them: started on loopback over a data directory, and where their clients post."""
