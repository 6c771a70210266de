using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.LeastSquares;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// What the channels that a layer reads contribute to its result, from the second moments H of what it reads on samples: the inner product of the
/// contributions of channels c and d is Σ Hᵢⱼ·(WᵀW)ᵢⱼ over the weights i of c and j of d, so that it tells the squared error of the result without any set of channels.
/// </summary>
internal sealed class ContractionMoments
{
    /// <summary>Rows seen of each weight of an output; more change the moments little.</summary>
    private const int RowsOfInput = 4;

    private const int FewestRows = 2048;

    /// <summary>The ridge, as a share of the mean moment (GPTQ's and SparseGPT's).</summary>
    private const float Damping = 0.01f;

    private readonly Contraction contraction;
    private readonly Layer layer;
    private readonly int rowsOfSample;
    private readonly float[] moments;
    private int taps = 1;

    private ContractionMoments(Contraction contraction, Layer layer, int samples)
    {
        this.contraction = contraction;
        this.layer = layer;
        rowsOfSample = (Math.Max(RowsOfInput * layer.Inputs, FewestRows) + samples - 1) / samples;
        moments = new float[layer.Inputs * layer.Inputs];
    }

    internal Value Input => contraction.Input.Value;

    /// <summary>Weights of an output.</summary>
    internal int Inputs => layer.Inputs;

    /// <summary>Null for a reader that is no plain layer (grouped, transposed, recurrent).</summary>
    internal static ContractionMoments? For(Contraction contraction, int samples) =>
        contraction.Reader is { Domain: "", OpType: "Conv" or "Gemm" or "MatMul" } reader && reader.GetInt("group", 1) == 1 && Layer.From(reader, out _) is { } layer
            ? new ContractionMoments(contraction, layer.Canonical(), samples) : null;

    /// <summary>Takes in one sample; they must come in the same order each time, in which sums are rounded.</summary>
    internal void Add(SampleActivations activations, int sample, CancellationToken cancellation)
    {
        LayerRows rows = new(layer, activations.ShapeOf(Input));
        ReadOnlySpan<float> x = activations[Input];
        taps = rows.Taps;
        int count = Math.Min(rows.Positions, rowsOfSample);
        Random random = new(sample);
        float[] read = new float[count * rows.Inputs];
        int[] offsets = new int[rows.Taps];
        for (int i = 0; i < count; i++)
        {
            // One of each of equal stretches: a fixed step would look at a few columns of a map only.
            rows.Locate((int)random.NextInt64((long)i * rows.Positions / count, (long)(i + 1) * rows.Positions / count), offsets);
            rows.Read(x, 0, offsets, read.AsSpan(i * rows.Inputs, rows.Inputs));
        }

        OuterProducts.Add(moments, rows.Inputs, 0, read, sign: 1, cancellation);
    }

    /// <summary>Whether channels of a set are among those that the layer reads.</summary>
    internal bool Reads(DependencyGraph graph, IReadOnlyDictionary<int, int> members) =>
        graph.Channels[contraction.Weight].Any(channel => members.ContainsKey(graph.Classes.Find(channel)));

    /// <summary>Adds the inner products, as shares of the power of the whole result, for the channels of a set.</summary>
    /// <param name="members">From a class to its place in the set.</param>
    /// <param name="interactions">By rows, in the order of the set.</param>
    internal void AddTo(double[] interactions, IReadOnlyDictionary<int, int> members, DependencyGraph graph, CancellationToken cancellation)
    {
        int inputs = layer.Inputs;
        float[] products = new float[inputs * inputs];
        OuterProducts.Add(products, inputs, 0, WeightRows(), sign: 1, cancellation);
        int[] channels = graph.Channels[contraction.Weight];
        int[] member = [.. Enumerable.Range(0, inputs).Select(i => members.TryGetValue(graph.Classes.Find(channels[i / taps]), out int place) ? place : -1)];
        double power = 0;
        double[] own = new double[interactions.Length];
        for (int i = 0; i < inputs; i++)
        {
            for (int j = i; j < inputs; j++)
            {
                double product = (double)moments[i * inputs + j] * products[i * inputs + j];
                power += i == j ? product : 2 * product;
                if (member[i] >= 0 && member[j] >= 0)
                {
                    own[member[i] * members.Count + member[j]] += product;
                    own[member[j] * members.Count + member[i]] += i == j ? 0 : product;
                }
            }
        }

        for (int i = 0; i < own.Length && power > 0; i++)
        {
            interactions[i] += own[i] / power;
        }
    }

    /// <summary>Begins to remove channels of a set, with the rest making up for them.</summary>
    /// <returns>For each class of the set its weights in an output, and the power of the whole result, in which losses are told; null where the samples do not tell enough.</returns>
    internal (GroupElimination Elimination, int[][] Groups, double Power)? Eliminate(IReadOnlyDictionary<int, int> members, DependencyGraph graph, CancellationToken cancellation)
    {
        int inputs = layer.Inputs;
        float[] products = new float[inputs * inputs];
        OuterProducts.Add(products, inputs, 0, WeightRows(), sign: 1, cancellation);
        float[] symmetric = [.. moments];
        double power = 0, trace = 0;
        for (int i = 0; i < inputs; i++)
        {
            trace += moments[i * inputs + i];
            for (int j = i; j < inputs; j++)
            {
                power += (double)moments[i * inputs + j] * products[i * inputs + j] * (i == j ? 1 : 2);
                symmetric[j * inputs + i] = symmetric[i * inputs + j];
                products[j * inputs + i] = products[i * inputs + j];
            }
        }

        for (int i = 0; i < inputs; i++)
        {
            symmetric[i * inputs + i] += (float)(Damping * trace / inputs);
        }

        int[] channels = graph.Channels[contraction.Weight];
        ILookup<int, int> groups = Enumerable.Range(0, inputs).ToLookup(i => members.TryGetValue(graph.Classes.Find(channels[i / taps]), out int place) ? place : -1);
        return power > 0 && GroupElimination.Of(symmetric, products, inputs, cancellation) is { } elimination
            ? (elimination, [.. Enumerable.Range(0, members.Count).Select(place => groups[place].ToArray())], power)
            : null;
    }

    /// <summary>[outputs, inputs].</summary>
    private float[] WeightRows()
    {
        if (layer.Node.OpType == "Conv")
        {
            return layer.Weight.ToSingles();
        }

        ReadOnlySpan<float> stored = layer.Weight.Span<float>();
        float[] rows = new float[stored.Length];
        for (int i = 0; i < stored.Length; i++)
        {
            rows[i % layer.OutputChannels * layer.Inputs + i / layer.OutputChannels] = stored[i];
        }

        return rows;
    }
}
