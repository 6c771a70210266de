using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// The slopes of a loss by gates: factors of 1 on the weights that sum over a channel. Closing a gate is what removing the channel does (<see cref="ChannelMask"/>), so the slope is Σ w·∂L/∂w over these weights: the
/// first-order term of Molchanov et al. ("Importance Estimation for Neural Network Pruning", 2019, equation 8, at a gate), which is also that of the activations they read (Molchanov et al., 2017, equation 6).
/// </summary>
/// <remarks>The loss is a sum of the outputs with factors that are fed, so that one graph serves any loss whose slope by the outputs is known.</remarks>
internal sealed class ChannelGates : IDisposable
{
    private readonly ModelSession session;
    private readonly int outputs;
    private readonly (Tensor Open, int[] Classes)[] gates;

    private ChannelGates(ModelSession session, int outputs, (Tensor, int[])[] gates)
    {
        this.session = session;
        this.outputs = outputs;
        this.gates = gates;
    }

    /// <param name="example">Samples have these shapes.</param>
    /// <param name="results">What the model gives for it.</param>
    /// <param name="reason">Why some gate has no slope; null when there are gates.</param>
    /// <exception cref="InferenceException">The example cannot be run.</exception>
    internal static ChannelGates? Of(DependencyGraph graph, Sample example, IReadOnlyList<Tensor> results, out string? reason)
    {
        Model gated = graph.Model.Clone();
        Dictionary<string, (Tensor, int[])> gates = Insert(graph, gated);
        List<Tensor> inputs = [.. example.Inputs];
        Value? loss = null;
        foreach ((Value output, Tensor result) in gated.Graph.Outputs.ToArray().Zip(results).Where(pair => pair.Second.ElementType == ElementType.Float))
        {
            Value factors = gated.Graph.AddInput(gated.Graph.UniqueName("factors"), new TensorType(ElementType.Float, [.. result.Dimensions.Select(Dimension.FromInt64)]));
            Value sum = gated.Graph.AddNode("ReduceSum", [gated.Graph.Add("Mul", output, factors)]).Set("keepdims", 0L).Output;
            loss = loss is null ? sum : gated.Graph.Add("Add", loss, sum);
            inputs.Add(Tensor.Create([.. result.Dimensions], new float[result.Length]));
        }

        if (loss is null)
        {
            reason = "the model has no output of float";
            return null;
        }

        try
        {
            gated.Graph.AddOutput(loss);
            GradientModel gradients = GradientBuilder.Build(gated, loss.Name, [.. gates.Keys], inputs);
            reason = gradients.Gaps.Count > 0 ? gradients.Gaps[0].Reason : null;
            return reason is not null ? null
                : new ChannelGates(ModelSession.Open(gradients.Model), graph.Model.Graph.Outputs.Count + 1, [.. gradients.Parameters.Select(name => gates[name])]);
        }
        catch (GradientException failure)
        {
            reason = failure.Message;
            return null;
        }
    }

    /// <summary>Adds ∂L/∂gate of each class to <paramref name="slopes"/>. May be called by several threads at once.</summary>
    /// <param name="factors">∂L/∂output of each float output.</param>
    /// <param name="places">From a class to its place in <paramref name="slopes"/>.</param>
    internal void AddSlopes(Sample sample, IEnumerable<Tensor> factors, IReadOnlyDictionary<int, int> places, Span<double> slopes)
    {
        using SessionRun run = session.RunBorrowed([.. sample.Inputs, .. factors, .. gates.Select(gate => gate.Open)]);
        for (int gate = 0; gate < gates.Length; gate++)
        {
            ReadOnlySpan<float> gradient = run.Span<float>(outputs + gate);
            for (int i = 0; i < gradient.Length; i++)
            {
                if (places.TryGetValue(gates[gate].Classes[i], out int place))
                {
                    slopes[place] += gradient[i];
                }
            }
        }
    }

    public void Dispose() => session.Dispose();

    /// <summary>Multiplies each weight that sums over channels by a gate; by the gates' names, these open, and the class of each channel.</summary>
    private static Dictionary<string, (Tensor, int[])> Insert(DependencyGraph graph, Model gated)
    {
        Dictionary<string, (Tensor, int[])> gates = [];
        foreach (ValueAxis axis in graph.Contractions.Select(contraction => contraction.Weight).Distinct())
        {
            Value weight = gated.Graph.Find(axis.Value.Name)!;
            Use[] uses = [.. weight.Uses];
            long[] shape = [.. axis.Value.Constant!.Dimensions.Select((size, i) => i == axis.Axis ? size : 1)];
            Value gate = gated.Graph.AddInitializer("gate", ShapeProbe.Ones(shape));
            Value product = gated.Graph.Add("Mul", weight, gate);
            foreach (Use use in uses)
            {
                use.Node.SetInput(use.Index, product);
            }

            gates.Add(gate.Name, (gate.Initializer!, [.. graph.Channels[axis].Select(graph.Classes.Find)]));
        }

        return gates;
    }
}
