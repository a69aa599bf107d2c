"""The DCS REST API, one file per API resource.

``client`` sends one request, ``backups``, ``instances`` and ``projects`` know the URLs and the shapes, ``retries``
what may be repeated, ``errors`` everything that can go wrong: no other exception leaves this folder. Nothing in here
knows who calls.
"""
