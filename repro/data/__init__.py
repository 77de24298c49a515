"""Data sets on this machine: the catalogue, downloads, caches, and panels that show an item on the page.

No number of a run depends on these modules, because a record contains the fingerprint of the data itself.

    catalogue    what `data.toml` says: names, addresses, checksums
    store        the folder of a data set; downloads it when it is missing
    download     one file, with its checksum          unpack    archives, read safely
    cache        features that are computed once      panels    images and texts; sound_panels: sounds
"""
