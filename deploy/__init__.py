"""How Vestibule is run: on one machine (`local`), in containers and on Kubernetes."""
