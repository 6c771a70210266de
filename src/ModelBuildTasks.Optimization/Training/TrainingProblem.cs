using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>A graph with a loss, and what of it is trained.</summary>
/// <param name="Model">Inputs are what a batch brings. Weights are initializers. It is not changed.</param>
/// <param name="Loss">Name of the scalar to make small: a mean over the batch, so that batches of any size mean the same.</param>
/// <param name="Parameters">What is moved, by the names of float initializers of <paramref name="Model"/>.</param>
/// <param name="Example">One tensor for each input, of the shapes that every batch has.</param>
public sealed record TrainingProblem(Model Model, string Loss, IReadOnlyList<Parameter> Parameters, IReadOnlyList<Tensor> Example)
{
    /// <summary>Running statistics of normalizations, which follow the batches.</summary>
    public IReadOnlyList<TrackedStatistic> Statistics { get; init; } = [];

    /// <summary>
    /// Learning classes from labels: a model with one input and one output of scores [N, classes], by softmax cross-entropy. Normalizations use each batch's statistics.
    /// </summary>
    /// <param name="model">The classifier, of operator set 7 or later. It is not changed.</param>
    /// <param name="batchSize">Samples of a batch.</param>
    /// <param name="sampleShape">Shape of one sample, without the batch axis.</param>
    /// <param name="decay">Weight decay of filters and matrices. Normalizations and biases are left alone.</param>
    /// <exception cref="GradientException">The operator set cannot be lifted.</exception>
    public static TrainingProblem OfClassifier(Model model, int batchSize, ReadOnlySpan<long> sampleShape, float decay = 0)
    {
        Model training = model.Clone();
        GradientBuilder.RaiseOpset(training);
        IReadOnlyList<TrackedStatistic> statistics = BatchStatistics.Attach(training);
        Graph graph = training.Graph;
        Value labels = graph.AddInput(graph.UniqueName("labels"), new TensorType(ElementType.Int64, batchSize));
        Value loss = graph.Add("SoftmaxCrossEntropyLoss", graph.Outputs[0], labels);
        long[] shape = [batchSize, .. sampleShape];
        Tensor[] example = [Tensor.Create(shape, new float[shape.Aggregate(1L, (product, size) => product * size)]), Tensor.Vector(new long[batchSize])];
        return new TrainingProblem(training, loss.Name, ParametersOf(training, decay), example) { Statistics = statistics };
    }

    /// <summary>The weights of a model as parameters. What is exactly zero in a weight that was pruned stays so.</summary>
    /// <param name="model">The model.</param>
    /// <param name="decay">Weight decay of what has two axes or more.</param>
    public static IReadOnlyList<Parameter> ParametersOf(Model model, float decay) =>
        [.. TrainableWeights.Of(model).Select(name => Of(name, model.Graph.Find(name)!.Initializer!, decay))];

    private static Parameter Of(string name, Tensor start, float decay)
    {
        bool isMatrix = start.Dimensions.Count > 1;
        Parameter parameter = new(name, start) { Decay = isMatrix ? decay : 0 };
        if (isMatrix && Array.IndexOf(parameter.Values, 0f) >= 0)
        {
            parameter.Mask = Array.ConvertAll(parameter.Values, value => value != 0);
        }

        return parameter;
    }
}
