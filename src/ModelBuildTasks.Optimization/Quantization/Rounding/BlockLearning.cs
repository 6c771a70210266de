using System.Numerics.Tensors;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// Learns which way the weights of a block are rounded, and its biases, so that it gives what the block of the float model does, from inputs whose elements come by chance from the float or from the quantized model (QDrop, Wei et al.,
/// ICLR 2022): with rounded inputs alone what is learned fits the samples more than the model.
/// </summary>
/// <remarks>Nagel et al. 2020 (AdaRound), § 3. Its 10,000 steps are 500 here, at a higher rate, and with a regularizer from the first step on.</remarks>
internal sealed class BlockLearning
{
    /// <summary>Of v, whose way from undecided to decided is 2.4 long.</summary>
    private const float LearningRate = 0.07f;

    /// <summary>Of a bias, in units of the error's root mean square.</summary>
    private const float BiasRate = 0.03f;

    /// <summary>Strength of the regularizer, where the loss is in units of what one weight costs that is rounded by chance. Weaker, it leaves weights undecided, whose rounding in the end costs more than all that was learned.</summary>
    private const float Strength = 6;

    /// <summary>β in the first and in the last step.</summary>
    private const float FirstExponent = 12, LastExponent = 2;

    /// <summary>The chance of an element to come from the float model, as a share of 256.</summary>
    private const int DropChance = 128;

    /// <summary>Steps between two looks at the withheld samples.</summary>
    private const int StepsBetweenLooks = 50;

    /// <summary>Weights this near to an end have decided.</summary>
    private const float Decided = 0.02f;

    private readonly BlockGraph graph;
    private readonly BlockSamples samples;
    private readonly RoundingEffort effort;
    private readonly SoftRounding[] weights;
    private readonly float[][] biases;
    private readonly Random random;
    private readonly float[][] inputs;
    private readonly float[][] targets;

    /// <param name="graph">The block, of batches of a shard.</param>
    /// <param name="weights">Of each layer.</param>
    /// <param name="seed">Of what is drawn.</param>
    internal BlockLearning(BlockGraph graph, BlockSamples samples, RoundingEffort effort, IReadOnlyList<SoftRounding> weights, int seed)
    {
        this.graph = graph;
        this.samples = samples;
        this.effort = effort;
        this.weights = [.. weights];
        biases = [.. graph.Parameters.Skip(weights.Count)];
        random = new Random(seed);
        inputs = [.. Enumerable.Range(0, effort.Shards).Select(_ => new float[graph.Batch * samples.Exact(0).Length])];
        targets = [.. Enumerable.Range(0, effort.Shards).Select(_ => new float[graph.Batch * samples.Target(0).Length])];
    }

    /// <summary>The codes of each layer that were best on the withheld samples.</summary>
    internal IReadOnlyList<sbyte[]> Codes { get; private set; } = [];

    /// <summary>The biases that go with them.</summary>
    internal IReadOnlyList<float[]> Biases { get; private set; } = [];

    /// <summary>The error of <see cref="Codes"/> on the withheld samples.</summary>
    internal double Error { get; private set; } = double.PositiveInfinity;

    /// <summary>Steps that were made.</summary>
    internal int Steps { get; private set; }

    /// <summary>The mean squared error on the withheld samples, with the parameters that the graph has.</summary>
    internal double WithheldError(CancellationToken cancellation) => ErrorOn(samples.Withheld, cancellation);

    /// <summary>Learns, and keeps what was best on the withheld samples at one of the looks.</summary>
    internal void Learn(CancellationToken cancellation)
    {
        AdamUpdate[] updates = [.. weights.Select(layer => new AdamUpdate(layer.Values.Length, decay: 0))];
        AdamUpdate[] biasUpdates = [.. biases.Select(bias => new AdamUpdate(bias.Length, decay: 0))];
        float[][] gradients = [.. graph.Parameters.Select(parameter => new float[parameter.Length])];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i].Scatter(graph.Parameters[i], random);
        }

        double scattered = ErrorOn(samples.Learned, cancellation);
        if (scattered == 0)
        {
            return;
        }

        float factor = (float)(weights.Sum(layer => layer.Count) / scattered);
        float biasRate = BiasRate * (float)Math.Sqrt(scattered);
        for (int step = 0; step < effort.Iterations; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i].Soften(graph.Parameters[i]);
            }

            Draw();
            Differentiate(gradients);
            float left = 1 - (step / (float)effort.Iterations);
            float exponent = LastExponent + ((FirstExponent - LastExponent) * left);
            for (int i = 0; i < weights.Length; i++)
            {
                weights[i].Gradient(gradients[i], factor, Strength, exponent, gradients[i]);
                updates[i].Update(weights[i].Values, gradients[i], LearningRate);
            }

            for (int i = 0; i < biases.Length; i++)
            {
                biasUpdates[i].Update(biases[i], gradients[weights.Length + i], biasRate * left);
            }

            Steps = step + 1;
            if (Steps == effort.Iterations || Steps % StepsBetweenLooks == 0)
            {
                Look(cancellation);
                if (weights.All(layer => layer.Undecided(Decided) == 0))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Rounds as it would be now, and keeps what is best.</summary>
    private void Look(CancellationToken cancellation)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i].Harden(graph.Parameters[i]);
        }

        double error = WithheldError(cancellation);
        if (error < Error)
        {
            Error = error;
            Codes = [.. weights.Select(layer => layer.Codes())];
            Biases = [.. biases.Select(bias => bias.ToArray())];
        }
    }

    /// <summary>The mean squared error of whole batches of given samples, all from the quantized model.</summary>
    private double ErrorOn(IReadOnlyList<int> chosen, CancellationToken cancellation)
    {
        double sum = 0;
        int batches = 0;
        for (int first = 0; first == 0 || first + graph.Batch <= chosen.Count; first += graph.Batch, batches++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < graph.Batch; i++)
            {
                int sample = chosen[(first + i) % chosen.Count];
                samples.Rounded(sample).CopyTo(inputs[0].AsSpan(i * samples.Rounded(sample).Length));
                samples.Target(sample).CopyTo(targets[0].AsSpan(i * samples.Target(sample).Length));
            }

            using BlockRun run = graph.Run(inputs[0], targets[0]);
            sum += run.Loss;
        }

        return sum / batches;
    }

    private void Draw()
    {
        IReadOnlyList<int> learned = samples.Learned;
        int length = samples.Exact(0).Length;
        byte[] chances = new byte[length];
        for (int shard = 0; shard < inputs.Length; shard++)
        {
            for (int i = 0; i < graph.Batch; i++)
            {
                int sample = learned[random.Next(learned.Count)];
                random.NextBytes(chances);
                ReadOnlySpan<float> exact = samples.Exact(sample), rounded = samples.Rounded(sample);
                Span<float> input = inputs[shard].AsSpan(i * length, length);
                for (int at = 0; at < length; at++)
                {
                    input[at] = chances[at] < DropChance ? exact[at] : rounded[at];
                }

                samples.Target(sample).CopyTo(targets[shard].AsSpan(i * samples.Target(sample).Length));
            }
        }
    }

    private void Differentiate(float[][] gradients)
    {
        BlockRun[] runs = new BlockRun[inputs.Length];
        try
        {
            if (runs.Length == 1)
            {
                runs[0] = graph.Run(inputs[0], targets[0]);
            }
            else
            {
                Parallel.For(0, runs.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, shard => runs[shard] = graph.Run(inputs[shard], targets[shard]));
            }

            for (int i = 0; i < gradients.Length; i++)
            {
                runs[0].Gradient(i).CopyTo(gradients[i]);
                foreach (BlockRun run in runs.Skip(1))
                {
                    TensorPrimitives.Add(gradients[i], run.Gradient(i), gradients[i]);
                }

                TensorPrimitives.Multiply(gradients[i], 1f / runs.Length, gradients[i]);
            }
        }
        finally
        {
            Array.ForEach(runs, run => run?.Dispose());
        }
    }
}
