"""The codes of LeNet-5's ten output units: a drawing of each digit on 7 x 12 pixels.

These drawings are ours, because we could not read those of the paper. As far as we remember, the paper says that any
code of -1 and +1 would work, even a random one.
"""

from __future__ import annotations

DRAWN = """
 .XXXXX. ...XX.. .XXXXX. XXXXXXX ....XX. XXXXXXX .XXXXX. XXXXXXX .XXXXX. .XXXXX.
 XX...XX ..XXX.. XX...XX .....XX ...XXX. XX..... XX...XX .....XX XX...XX XX...XX
 XX...XX .XXXX.. .....XX ....XX. ..XXXX. XX..... XX..... .....XX XX...XX XX...XX
 XX...XX ...XX.. .....XX ...XX.. .XX.XX. XX..... XX..... ....XX. XX...XX XX...XX
 XX...XX ...XX.. .....XX ..XXXX. XX..XX. XXXXXX. XX..... ....XX. .XXXXX. XX...XX
 XX...XX ...XX.. ....XX. .....XX XX..XX. .....XX XXXXXX. ...XX.. .XXXXX. .XXXXXX
 XX...XX ...XX.. ...XX.. .....XX XXXXXXX .....XX XX...XX ...XX.. XX...XX .....XX
 XX...XX ...XX.. ..XX... .....XX XXXXXXX .....XX XX...XX ..XX... XX...XX .....XX
 XX...XX ...XX.. .XX.... .....XX ....XX. .....XX XX...XX ..XX... XX...XX .....XX
 XX...XX ...XX.. XX..... XX...XX ....XX. XX...XX XX...XX .XX.... XX...XX XX...XX
 .XXXXX. ...XX.. XXXXXXX .XXXXX. ....XX. .XXXXX. .XXXXX. .XX.... .XXXXX. .XXXXX.
 ....... ....... ....... ....... ....... ....... ....... ....... ....... .......
"""

CODES = [
    [1.0 if pixel == "X" else -1.0 for row in rows for pixel in row]
    for rows in zip(*(line.split() for line in DRAWN.split("\n") if line.strip()), strict=True)
]
