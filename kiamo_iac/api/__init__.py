"""The instance's side: the contract (routes and wire names as data), the client, the reader and the writer. Only here is httpx imported."""
