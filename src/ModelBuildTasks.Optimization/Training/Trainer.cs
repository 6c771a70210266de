using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>How weights are moved.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="ClipNorm">Longest gradient, over all parameters together; a longer one is shortened to it (Pascanu et al. 2013). Infinite for none.</param>
/// <param name="StatisticsMomentum">Share that running statistics of normalizations keep in each step.</param>
/// <param name="Threads">Threads inside one operator.</param>
public sealed record TrainerSettings(UpdateRule Rule = UpdateRule.Adam, float ClipNorm = float.PositiveInfinity, float StatisticsMomentum = 0.95f, int Threads = 1);

/// <summary>
/// Moves the parameters of a problem against the gradient of its loss. The gradient graph runs on ONNX Runtime; parameters are inputs over memory of ours and change in place between runs.
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly ModelSession session;
    private readonly TrainerSettings settings;
    private readonly Slot[] slots;
    private readonly Statistic[] statistics;
    private int accumulated;

    /// <exception cref="GradientException">No parameter can be trained, as operators have no gradient rule.</exception>
    /// <exception cref="InferenceException">ONNX Runtime does not run the model on the example.</exception>
    public Trainer(TrainingProblem problem, TrainerSettings settings)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(settings);
        this.settings = settings;
        GradientModel gradients = GradientBuilder.Build(WithOutputs(problem), problem.Loss, [.. problem.Parameters.Select(parameter => parameter.Name)], problem.Example);
        Gaps = gradients.Gaps;
        session = ModelSession.Open(gradients.Model, new SessionSettings(settings.Threads));
        Dictionary<string, Parameter> byName = problem.Parameters.ToDictionary(parameter => parameter.Name);
        slots = [.. gradients.Parameters.Select(name => new Slot(byName[name], settings.Rule))];
        statistics = [.. problem.Statistics.Select(tracked => new Statistic(tracked.Stored, problem.Model.Graph.Find(tracked.Stored)!.Initializer!))];
    }

    /// <summary>Why some parameters are not trained, by the operator that is in the way. Empty when all are.</summary>
    public IReadOnlyList<GradientGap> Gaps { get; }

    /// <summary>The parameters that are trained.</summary>
    public IEnumerable<Parameter> Parameters => slots.Select(slot => slot.Parameter);

    /// <summary>Adds the gradient of a batch to that of the next <see cref="Update"/>. Running statistics follow.</summary>
    /// <param name="inputs">A tensor for each input of the problem's model.</param>
    /// <returns>The loss of the batch.</returns>
    /// <exception cref="InferenceException">The inputs are not of the example's shapes.</exception>
    public float Accumulate(params IReadOnlyList<Tensor> inputs)
    {
        using SessionRun run = session.RunBorrowed([.. inputs, .. slots.Select(slot => slot.Seen)]);
        // Outputs: the loss, statistics, gradients.
        float loss = run.Span<float>(0)[0];
        for (int i = 0; i < statistics.Length && float.IsFinite(loss); i++)
        {
            float[] running = statistics[i].Values;
            TensorPrimitives.Multiply(running, settings.StatisticsMomentum, running);
            TensorPrimitives.MultiplyAdd(run.Span<float>(1 + i), 1 - settings.StatisticsMomentum, running, running);
        }

        for (int i = 0; i < slots.Length; i++)
        {
            TensorPrimitives.Add(slots[i].Gradient, run.Span<float>(1 + statistics.Length + i), slots[i].Gradient);
        }

        accumulated++;
        return loss;
    }

    /// <summary>Moves the parameters by the mean of the gradients since the last update. Where that is not finite nothing moves.</summary>
    /// <param name="learningRate">Step size.</param>
    /// <returns>Whether the parameters moved.</returns>
    public bool Update(float learningRate)
    {
        double norm = Norm() / accumulated;
        bool isFinite = double.IsFinite(norm);
        if (isFinite)
        {
            float scale = (float)(Math.Min(1, settings.ClipNorm / norm) / accumulated);
            foreach (Slot slot in slots)
            {
                slot.Move(float.IsNaN(scale) ? 0 : scale, learningRate);
            }
        }

        foreach (Slot slot in slots)
        {
            Array.Clear(slot.Gradient);
        }

        accumulated = 0;
        return isFinite;
    }

    /// <summary>One step on one batch.</summary>
    /// <returns>The loss before the step.</returns>
    public float Step(float learningRate, params IReadOnlyList<Tensor> inputs)
    {
        float loss = Accumulate(inputs);
        Update(learningRate);
        return loss;
    }

    /// <summary>Stores the parameters, as the graph sees them, and the running statistics in the initializers of a model that have their names.</summary>
    public void Commit(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach (Slot slot in slots)
        {
            slot.Parameter.StoreIn(model);
        }

        foreach (Statistic statistic in statistics)
        {
            model.Graph.Find(statistic.Name)?.Initializer = Tensor.Create([.. statistic.Dimensions], (float[])statistic.Values.Clone());
        }
    }

    public void Dispose() => session.Dispose();

    /// <summary>All that changes with training: values, what the rules remember, statistics.</summary>
    internal IEnumerable<float[]> State => [.. slots.SelectMany(slot => slot.Rule.Memory.Prepend(slot.Parameter.Values)), .. statistics.Select(statistic => statistic.Values)];

    /// <summary>Steps that were taken.</summary>
    internal int Steps => slots[0].Rule.Steps;

    /// <summary>After <see cref="State"/> was filled from elsewhere.</summary>
    internal void Resume(int steps)
    {
        foreach (Slot slot in slots)
        {
            slot.Rule.Steps = steps;
            slot.Parameter.Take([.. slot.Parameter.Values]);
        }
    }

    /// <summary>The problem's model with the loss and the statistics as its only outputs.</summary>
    private static Model WithOutputs(TrainingProblem problem)
    {
        string[] names = [problem.Loss, .. problem.Statistics.Select(statistic => statistic.Batch)];
        return Array.Find(names, name => problem.Model.Graph.Find(name) is null) is { } missing
            ? throw new GradientException($"There is no value '{missing}' in the model to train.")
            : ObservedModel.Of(problem.Model, names);
    }

    /// <summary>Length of the sum of the gradients. Those of relative parameters are of another unit and do not count.</summary>
    private double Norm()
    {
        double sum = 0;
        foreach (Slot slot in slots)
        {
            double squares = TensorPrimitives.SumOfSquares<float>(slot.Gradient);
            sum += slot.Parameter.IsRelative && double.IsFinite(squares) ? 0 : squares;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>A parameter with its gradient and its rule.</summary>
    private sealed class Slot
    {
        internal Slot(Parameter parameter, UpdateRule rule)
        {
            Parameter = parameter;
            Gradient = new float[parameter.Values.Length];
            Rule = rule == UpdateRule.Adam ? new AdamUpdate(Gradient.Length, parameter.Decay) : new MomentumUpdate(Gradient.Length, parameter.Decay);
        }

        internal Parameter Parameter { get; }

        internal float[] Gradient { get; }

        internal IUpdateRule Rule { get; }

        internal Tensor Seen => Tensor.Create([.. Parameter.Dimensions], Parameter.Seen);

        internal void Move(float scale, float learningRate)
        {
            TensorPrimitives.Multiply(Gradient, scale, Gradient);
            if (Parameter.IsRelative)
            {
                // ∂loss/∂log s = s·∂loss/∂s.
                TensorPrimitives.Multiply(Gradient, Parameter.Values, Gradient);
            }

            Rule.Update(Parameter.Moved, Gradient, learningRate * Parameter.Pace);
            Parameter.Refresh();
        }
    }

    private sealed class Statistic(string name, Tensor start)
    {
        internal string Name { get; } = name;

        internal IReadOnlyList<long> Dimensions { get; } = start.Dimensions;

        internal float[] Values { get; } = start.ToSingles();
    }
}
