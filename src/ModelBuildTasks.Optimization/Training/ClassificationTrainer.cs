using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>How a model is trained.</summary>
/// <param name="BatchSize">Samples of one step; a gradient graph is built for exactly this many.</param>
/// <param name="WeightDecay">Pull of weight matrices and filters towards zero. Normalizations and biases are left alone.</param>
/// <param name="StatisticsMomentum">Share that running statistics of normalizations keep in each step.</param>
/// <param name="Threads">Threads inside one operator.</param>
public sealed record TrainingSettings(int BatchSize, float WeightDecay = 0.01f, float StatisticsMomentum = 0.95f, int Threads = 1);

/// <summary>
/// Trains the float initializers of a classifier with one input and one output of scores [N, classes] by softmax cross-entropy, running
/// statistics of normalizations aside, which follow the batches. Those that have no gradient stay as they are. The gradient graph
/// runs on ONNX Runtime; weights are inputs over memory of ours and change in place between runs.
/// </summary>
public sealed class ClassificationTrainer : IDisposable
{
    private readonly Model model;
    private readonly ModelSession session;
    private readonly TrainingSettings settings;
    private readonly string[] parameters;
    private readonly float[][] weights;
    private readonly Tensor[] weightTensors;
    private readonly AdamUpdate[] updates;
    private readonly float[][] statistics;
    private readonly TrackedStatistic[] tracked;

    /// <param name="model">The classifier, operator set 7 or later. It is changed by <see cref="Commit"/> alone.</param>
    /// <param name="settings">How to train.</param>
    /// <param name="sampleShape">Shape of one sample, without the batch axis.</param>
    /// <exception cref="GradientException">No weight of the model can be trained, as operators have no gradient rule.</exception>
    public ClassificationTrainer(Model model, TrainingSettings settings, ReadOnlySpan<long> sampleShape)
    {
        this.model = model;
        this.settings = settings;
        Model training = model.Clone();
        GradientBuilder.RaiseOpset(training);
        tracked = [.. BatchStatistics.Attach(training)];
        Graph graph = training.Graph;
        Value labels = graph.AddInput(graph.UniqueName("labels"), new TensorType(ElementType.Int64, settings.BatchSize));
        Value loss = graph.Add("SoftmaxCrossEntropyLoss", graph.Outputs[0], labels);
        graph.AddOutput(loss);

        long[] shape = [settings.BatchSize, .. sampleShape];
        Tensor[] example = [Tensor.Create(shape, new float[TensorPrimitives.Product(shape.AsSpan())]), Tensor.Vector(new long[settings.BatchSize])];
        GradientModel gradients = GradientBuilder.Build(training, loss.Name, Trainable(model, tracked), example);
        parameters = [.. gradients.Parameters];
        Gaps = gradients.Gaps;
        session = ModelSession.Open(gradients.Model, new SessionSettings(settings.Threads));

        weights = Copy(parameters);
        statistics = Copy(tracked.Select(statistic => statistic.Stored));
        weightTensors = [.. parameters.Select((name, i) => Tensor.Create([.. Stored(name).Dimensions], weights[i]))];
        updates = [.. parameters.Select(name => new AdamUpdate((int)Stored(name).Length, Stored(name).Dimensions.Count > 1 ? settings.WeightDecay : 0))];
    }

    /// <summary>Why some weights are not trained, by the operator that is in the way. Empty when all are.</summary>
    public IReadOnlyList<GradientGap> Gaps { get; }

    /// <summary>One step on one batch.</summary>
    /// <param name="samples">[batch, …], float.</param>
    /// <param name="labels">[batch], the true classes.</param>
    /// <param name="learningRate">Step size.</param>
    /// <returns>The loss before the step.</returns>
    public float Step(Tensor samples, Tensor labels, float learningRate)
    {
        using SessionRun run = session.RunBorrowed([samples, labels, .. weightTensors]);

        // Outputs: scores, batch statistics, loss, gradients.
        int lossIndex = 1 + tracked.Length;
        for (int i = 0; i < tracked.Length; i++)
        {
            TensorPrimitives.Multiply(statistics[i], settings.StatisticsMomentum, statistics[i]);
            TensorPrimitives.MultiplyAdd(run.Span<float>(1 + i), 1 - settings.StatisticsMomentum, statistics[i], statistics[i]);
        }

        for (int i = 0; i < weights.Length; i++)
        {
            updates[i].Update(weights[i], run.Span<float>(lossIndex + 1 + i), learningRate);
        }

        return run.Span<float>(lossIndex)[0];
    }

    /// <summary>Stores the weights and running statistics of now in the model.</summary>
    public void Commit()
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            Store(parameters[i], weights[i]);
        }

        for (int i = 0; i < tracked.Length; i++)
        {
            Store(tracked[i].Stored, statistics[i]);
        }
    }

    public void Dispose() => session.Dispose();

    /// <summary>Float initializers that are not running statistics; shape constants are integers.</summary>
    private static string[] Trainable(Model model, IEnumerable<TrackedStatistic> tracked)
    {
        HashSet<string> stored = [.. tracked.Select(statistic => statistic.Stored)];
        return [.. model.Graph.Initializers.Where(value => value.Initializer!.ElementType == ElementType.Float && !stored.Contains(value.Name)).Select(value => value.Name)];
    }

    private Tensor Stored(string name) => model.Graph.Find(name)!.Initializer!;

    private float[][] Copy(IEnumerable<string> names) => [.. names.Select(name => Stored(name).ToSingles())];

    private void Store(string name, float[] values) =>
        model.Graph.Find(name)!.Initializer = Tensor.Create([.. Stored(name).Dimensions], (float[])values.Clone());
}
