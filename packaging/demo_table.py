"""Prints what `caldera compress --json` and `caldera evaluate --json` measured as one table."""
import json
import sys


def main():
    compressed, evaluated = (json.load(open(path)) for path in sys.argv[1:3])
    rows = [
        ("cells compressed", f"{compressed['cells']}"),
        ("bits per weight", f"{compressed['bpw']:.3f}"),
        ("artifact", f"{compressed['bytes']:,} bytes"),
        ("mean relative error", f"{compressed['mean_relative_error']:.4f}"),
        ("perplexity, original", f"{evaluated['reference_perplexity']:.3f}"),
        ("perplexity, compressed", f"{evaluated['perplexity']:.3f}"),
        ("perplexity, unigram baseline", f"{evaluated['unigram_perplexity']:.1f}"),
        ("KL divergence, mean", f"{evaluated['kl_mean']:.4f} nats"),
        ("KL divergence, 99 %", f"{evaluated['kl_p99']:.3f} nats"),
        ("top-1 agreement", f"{100 * evaluated['top1_agreement']:.1f} %"),
        ("held-out tokens", f"{evaluated['tokens']:,}"),
        ("seconds to compress", f"{compressed['seconds']:.1f}"),
        ("seconds to evaluate", f"{evaluated['seconds']:.1f}"),
    ]
    print()
    for name, value in rows:
        print(f"  {name:<30} {value:>18}")


if __name__ == "__main__":
    main()
