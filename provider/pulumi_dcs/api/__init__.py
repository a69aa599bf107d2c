"""The DCS backup API over requests; knows nothing of Pulumi.

``client`` has the operations, ``taking``, ``waiting`` and ``removing`` the procedures made of them, ``ownership``
the rules by which an existing backup is taken over, ``errors`` everything that can go wrong.
"""
