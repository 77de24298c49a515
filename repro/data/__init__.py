"""Data sets on this machine: the catalogue, downloads, caches, and panels that show an item on the page.

No number of a run depends on these modules, because a record contains the fingerprint of the data itself.

    catalogue       the content of `data.toml`: names, addresses, checksums
    store           find the folder of a data set; download the data set if it is missing
    download        download one file and check its size and checksum
    unpack          read archives safely
    cache           features that are computed once
    panels          show images and texts on the page
    mask_panels     show images with masks, boxes and explanations on the page
    sound_panels    show sounds on the page, with their spectrograms
    signal_panels   show signals on the page, with their true and found marks
"""
