using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// What a block reads and gives on the calibration samples: in the float model, and what reaches it in the quantized one. As many samples are held as fit in <see cref="MostBytes"/>; every fourth is withheld from learning.
/// </summary>
internal sealed class BlockSamples
{
    /// <summary>More samples than this change the rounding of a layer little.</summary>
    internal const int MostSamples = 256;

    /// <summary>Bytes of tensors that are held for one block.</summary>
    private const long MostBytes = 192 << 20;

    /// <summary>With fewer, what is learned is the samples.</summary>
    private const int FewestSamples = 8;

    /// <summary>One of so many samples is withheld.</summary>
    private const int WithheldShare = 4;

    private readonly List<float[]> exact = [];
    private readonly List<float[]> rounded = [];
    private readonly List<float[]> targets = [];

    private BlockSamples(long[] inputShape, long[] targetShape)
    {
        InputShape = inputShape;
        TargetShape = targetShape;
    }

    /// <summary>The shape of what the block reads in one sample.</summary>
    internal long[] InputShape { get; }

    /// <summary>The shape of what it gives.</summary>
    internal long[] TargetShape { get; }

    /// <summary>Numbers of the samples to learn from.</summary>
    internal IReadOnlyList<int> Learned => [.. Enumerable.Range(0, exact.Count).Where(sample => sample % WithheldShare != WithheldShare - 1)];

    /// <summary>Numbers of the samples that tell whether anything was learned.</summary>
    internal IReadOnlyList<int> Withheld => [.. Enumerable.Range(0, exact.Count).Where(sample => sample % WithheldShare == WithheldShare - 1)];

    /// <summary>The mean square of what the block gives in the float model.</summary>
    internal double Power => targets.Sum(target => (double)TensorPrimitives.SumOfSquares<float>(target)) / targets.Sum(target => (double)target.Length);

    /// <summary>What the block reads in the float model.</summary>
    internal ReadOnlySpan<float> Exact(int sample) => exact[sample];

    /// <summary>What it reads in the quantized model.</summary>
    internal ReadOnlySpan<float> Rounded(int sample) => rounded[sample];

    /// <summary>What it gives in the float model.</summary>
    internal ReadOnlySpan<float> Target(int sample) => targets[sample];

    /// <summary>Runs both models.</summary>
    /// <param name="floats">The float model.</param>
    /// <param name="simulated">The quantized one.</param>
    /// <param name="read">The value of the quantized one that the block reads.</param>
    /// <exception cref="CalibrationException">A sample cannot be run, or tells nothing to learn from: its shapes differ from the others', its numbers are not finite, or there are too few.</exception>
    internal static BlockSamples Gather(Model floats, Model simulated, RoundingBlock block, Value read, Dataset samples, CancellationToken cancellation)
    {
        BlockSamples? held = null;
        int most = MostSamples;
        using IEnumerator<SampleActivations> reached = OrderedActivations.Read(simulated, [read], samples, cancellation, optimize: false).GetEnumerator();
        foreach (SampleActivations given in OrderedActivations.Read(floats, [block.Entry, block.Exit], samples, cancellation))
        {
            reached.MoveNext();
            held ??= new BlockSamples([.. given.ShapeOf(block.Entry)], [.. given.ShapeOf(block.Exit)]);
            held.Add(given, reached.Current, block, read);
            most = (int)Math.Min(most, MostBytes / (sizeof(float) * (held.exact[0].Length + held.rounded[0].Length + (long)held.targets[0].Length)));
            if (held.exact.Count >= most)
            {
                break;
            }
        }

        return held is { exact.Count: >= FewestSamples } ? held
            : throw new CalibrationException($"{held?.exact.Count ?? 0} samples are too few to learn from, be it for the memory that they take");
    }

    private void Add(SampleActivations given, SampleActivations reached, RoundingBlock block, Value read)
    {
        if (!given.ShapeOf(block.Entry).SequenceEqual(InputShape) || !given.ShapeOf(block.Exit).SequenceEqual(TargetShape) || !reached.ShapeOf(read).SequenceEqual(InputShape))
        {
            throw new CalibrationException("its shapes differ from sample to sample");
        }

        exact.Add(given[block.Entry].ToArray());
        rounded.Add(reached[read].ToArray());
        targets.Add(given[block.Exit].ToArray());
        if (!((float[][])[exact[^1], rounded[^1], targets[^1]]).All(numbers => TensorPrimitives.IsFiniteAll<float>(numbers)))
        {
            throw new CalibrationException("it reads or gives numbers that are not finite");
        }
    }
}
