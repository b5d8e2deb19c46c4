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
