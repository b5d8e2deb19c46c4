"""A running mean of the weights over the last steps (Polyak and Juditsky, 1992): steadier than the last step's own."""
import torch

KEEP = .998


class Average:
    def __init__(self, net):
        self.sum = {k: v.detach().clone() for k, v in net.state_dict().items()}
        self.steps = 0

    @torch.no_grad()
    def update(self, net):
        self.steps += 1
        keep = min(KEEP, self.steps / (self.steps + 10))
        for k, v in net.state_dict().items():
            self.sum[k].lerp_(v, 1 - keep)

    def state(self):
        return {k: v.contiguous() for k, v in self.sum.items()}


if __name__ == '__main__':
    import argparse

    ap = argparse.ArgumentParser(description='The mean of the weights of several runs (Wortsman et al., "Model soups", 2022); a file may be named twice.')
    ap.add_argument('files', nargs='+')
    ap.add_argument('--out', required=True)
    o = ap.parse_args()
    states = [torch.load(f) for f in o.files]
    torch.save({k: sum(s[k] for s in states) / len(states) for k in states[0]}, o.out)
