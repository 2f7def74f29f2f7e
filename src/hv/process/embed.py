#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the monitor program into C: embed.py PROGRAM OUTPUT."""
import sys

data = open(sys.argv[1], "rb").read()
with open(sys.argv[2], "w") as out:
    out.write('#include "hv/process/monitor_image.h"\n\nconst unsigned char monitor_image[] = {\n')
    for at in range(0, len(data), 16):
        out.write("\t" + " ".join(f"{byte}," for byte in data[at : at + 16]) + "\n")
    out.write("};\nconst size_t monitor_image_size = sizeof monitor_image;\n")
