using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// A block as a model of its own, with the mean squared difference of what it gives to a target, and the gradient of that by the weights and biases of its layers. Tensors inside the block are rounded as integers would be; the gradient
/// takes that for no change.
/// </summary>
internal sealed class BlockGraph : IDisposable
{
    private readonly ModelSession session;
    private readonly long[] inputShape;
    private readonly long[] targetShape;
    private readonly IReadOnlyList<Tensor> tensors;

    private BlockGraph(ModelSession session, int batch, long[] inputShape, long[] targetShape, IReadOnlyList<float[]> parameters, IReadOnlyList<Tensor> tensors)
    {
        this.session = session;
        this.inputShape = inputShape;
        this.targetShape = targetShape;
        Batch = batch;
        Parameters = parameters;
        this.tensors = tensors;
    }

    /// <summary>Samples in one run.</summary>
    internal int Batch { get; }

    /// <summary>The weights of each layer, then the biases of those that have one: what the next run computes with.</summary>
    internal IReadOnlyList<float[]> Parameters { get; }

    /// <param name="simulated">The quantized model.</param>
    /// <param name="read">The value there that the block reads.</param>
    /// <param name="samples">Samples in one run.</param>
    /// <exception cref="GradientException">An operator of the block has no gradient.</exception>
    /// <exception cref="InferenceException">The block cannot be run with so many samples.</exception>
    internal static BlockGraph Build(SimulatedIntegers simulated, RoundingBlock block, Value read, BlockSamples samples, int batch)
    {
        string[] names =
        [
            .. block.Layers.Select(layer => simulated.WeightOf(layer).Name),
            .. block.Layers.Where(layer => layer.Bias is not null).Select(layer => simulated.BiasOf(layer)!.Name),
        ];
        long[] inputShape = Batched(samples.InputShape, batch), targetShape = Batched(samples.TargetShape, batch);
        (Model model, string loss) = Cut(simulated, block, read, inputShape, targetShape);
        Tensor[] example = [Zeros(inputShape), Zeros(targetShape)];
        GradientModel gradients = GradientBuilder.Build(model, loss, names, example);
        if (gradients.Gaps.Count > 0)
        {
            throw new GradientException(gradients.Gaps[0].Reason);
        }

        float[][] parameters = [.. names.Select(name => model.Graph.Find(name)!.Initializer!.ToSingles())];
        Tensor[] tensors = [.. names.Select((name, i) => Tensor.Create([.. model.Graph.Find(name)!.Initializer!.Dimensions], parameters[i]))];
        return new BlockGraph(ModelSession.Open(gradients.Model), batch, inputShape, targetShape, parameters, tensors);
    }

    /// <summary>Runs a batch.</summary>
    /// <param name="input">What the samples read, one behind the other.</param>
    /// <param name="target">What they should give.</param>
    /// <returns>The loss, and the gradient of each parameter.</returns>
    internal BlockRun Run(float[] input, float[] target) => new(session.RunBorrowed([Tensor.Create(inputShape, input), Tensor.Create(targetShape, target), .. tensors]));

    public void Dispose() => session.Dispose();

    private static (Model Model, string Loss) Cut(SimulatedIntegers simulated, RoundingBlock block, Value read, long[] inputShape, long[] targetShape)
    {
        Model model = simulated.Model.Clone();
        Graph graph = model.Graph;
        Value given = graph.Find(block.Exit.Name)!;
        foreach (Value output in graph.Outputs.ToArray())
        {
            graph.RemoveOutput(output);
        }

        Value input = graph.AddInput(graph.UniqueName("block_input"), TypeOf(inputShape)), target = graph.AddInput(graph.UniqueName("block_target"), TypeOf(targetShape));
        Value entry = graph.Find(read.Name)!;
        // Other readers, a QuantizeLinear in the block aside, are cut off with what they give.
        foreach (Use use in entry.Uses.ToArray())
        {
            use.Node.SetInput(use.Index, input);
        }

        Value difference = graph.Add("Sub", given, target);
        Value loss = graph.AddNode("ReduceMean", [graph.Add("Mul", difference, difference)]).Set("keepdims", 0L).Output;
        graph.AddOutput(loss);
        graph.RemoveUnused();
        foreach (Value unused in graph.Inputs.Where(value => value != input && value != target).ToArray())
        {
            graph.RemoveInput(unused);
        }

        return (model, loss.Name);
    }

    private static TensorType TypeOf(long[] shape) => new(ElementType.Float, [.. shape.Select(Dimension.FromInt64)]);

    private static Tensor Zeros(long[] shape) => Tensor.Create(shape, new float[TensorPrimitives.Product<long>(shape)]);

    private static long[] Batched(long[] shape, int batch) => shape.Length == 0 ? shape : [shape[0] * batch, .. shape[1..]];
}

/// <summary>What one run of a block gave, in ONNX Runtime's memory.</summary>
internal sealed class BlockRun(SessionRun run) : IDisposable
{
    /// <summary>The mean squared error.</summary>
    internal float Loss => run.Span<float>(0)[0];

    /// <summary>∂loss/∂parameter.</summary>
    internal ReadOnlySpan<float> Gradient(int parameter) => run.Span<float>(1 + parameter);

    public void Dispose() => run.Dispose();
}
