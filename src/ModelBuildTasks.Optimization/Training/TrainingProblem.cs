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
        Tensor[] example = [Tensor.Create(shape, new float[shape.Product()]), Tensor.Vector(new long[batchSize])];
        return new TrainingProblem(training, loss.Name, ParametersOf(training, decay), example) { Statistics = statistics };
    }

    /// <summary>The weights of a model as parameters. What is exactly zero in a filter or matrix was pruned and stays so, but for one that is zero as a whole in a model that wasn't pruned: it starts there.</summary>
    /// <param name="model">The model.</param>
    /// <param name="decay">Weight decay of filters, matrices and embeddings, as told by what reads them, whatever their number of axes. Normalizations and biases are left alone.</param>
    public static IReadOnlyList<Parameter> ParametersOf(Model model, float decay)
    {
        List<Parameter> parameters = [], matrices = [];
        foreach (Value weight in TrainableWeights.Of(model).Select(name => model.Graph.Find(name)!))
        {
            bool isMatrix = weight.Uses.Any(WeightRoles.IsMatrix);
            Parameter parameter = new(weight.Name, weight.Initializer!) { Decay = isMatrix ? decay : 0 };
            parameters.Add(parameter);
            if (isMatrix)
            {
                matrices.Add(parameter);
            }
        }

        // No share of zeros tells pruning from chance: of a share over all layers, one with large weights may lose a single weight, and another all.
        bool isPruned = matrices.Exists(matrix => matrix.Values.Contains(0f) && Array.Exists(matrix.Values, value => value != 0));
        foreach (Parameter matrix in isPruned ? matrices.Where(matrix => matrix.Values.Contains(0f)) : [])
        {
            matrix.Mask = Array.ConvertAll(matrix.Values, value => value != 0);
        }

        return parameters;
    }
}
