"""A whole election on a network of nodes on this machine, from the keys of the voters to checked receipts."""
