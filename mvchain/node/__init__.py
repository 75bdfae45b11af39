"""One agency's node: storage, replica, network, mempool intake."""
