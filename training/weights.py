"""The weight files of the program (src/threshold/network.rs reads them): per convolution and output channel one scale and one bias
(32-bit float) and the weights as 16-bit integers in units of the scale; little-endian."""
import os
import struct

import numpy as np
import torch


def convolutions(net):
    return [m for m in net.modules() if isinstance(m, (torch.nn.Conv1d, torch.nn.Conv2d))]


def write(net, path, outputs=None):
    """Writes a net; of its last layer only the first `outputs`: those that the program reads."""
    with open(path, 'wb') as f:
        for m in convolutions(net):
            w = m.weight.detach().numpy().reshape(m.out_channels, -1)
            last = m is convolutions(net)[-1]
            for row, bias in list(zip(w, m.bias.detach().numpy()))[:outputs if last else None]:
                s = max(float(np.abs(row).max()), 1e-9) / 32767
                f.write(struct.pack('<ff', s, bias) + np.round(row / s).astype('<i2').tobytes())
    print(path, os.path.getsize(path), 'bytes')


def read(net, path):
    """Fills a net from such a file, or from a checkpoint (.pt). Outputs of the last layer that the file lacks stay as they are."""
    if not path.endswith('.bin'):
        net.load_state_dict(torch.load(path))
        return
    with open(path, 'rb') as f:
        for m in convolutions(net):
            depth = m.weight[0].numel()
            for k in range(m.out_channels):
                head = f.read(8)
                if not head and m is convolutions(net)[-1]:
                    return
                s, bias = struct.unpack('<ff', head)
                row = np.frombuffer(f.read(2 * depth), '<i2').astype(np.float32) * s
                with torch.no_grad():
                    m.weight[k] = torch.from_numpy(row.reshape(m.weight.shape[1:]))
                    m.bias[k] = bias
        assert not f.read(1), 'weights of another network'
