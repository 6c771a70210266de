using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training.Augmentation;

namespace ModelBuildTasks.Optimization.Training.Distilling;

/// <summary>
/// One training of a student by a teacher: samples are parted into those to learn from and those that are held out, images are augmented, the teacher says what each of them is, and the student's parameters follow.
/// </summary>
/// <param name="student">A float graph (integers behind QuantizeLinear among it) whose initializers the parameters are. It is not changed.</param>
/// <param name="teacher">The model to be like, with the same inputs and outputs.</param>
/// <param name="parameters">What is trained. In the end they have the best values.</param>
/// <param name="data">Samples; labels, where there are some, are mixed in.</param>
/// <param name="plan">How long and how.</param>
internal sealed class DistillationRun(Model student, Model teacher, IReadOnlyList<Parameter> parameters, Dataset data, TrainingPlan plan)
{
    /// <summary>More held-out samples tell hardly more.</summary>
    private const int MostHeldOut = 512;

    /// <summary>Of fewer samples nothing is held out: looks are at those that are learned from.</summary>
    internal const int FewestToPart = 10;

    /// <summary>Images that the teacher is shown mirrored.</summary>
    private const int MirrorTrials = 64;

    /// <summary>Share of the images to which the teacher must give the same class when they are mirrored.</summary>
    private const double MirrorAgreement = 0.98;

    /// <summary>Whether a float output [N, C] is known to hold scores of classes.</summary>
    internal bool IsClassifier { get; init; }

    /// <summary>
    /// Whether the student is a quantized model. Its values inside are then not taught: equalization and smoothing may have scaled channels since they were the teacher's, so that values of one name differ by design. The
    /// numbers of scores are, beside their classes.
    /// </summary>
    internal bool IsQuantized { get; init; }

    /// <summary>
    /// Whether samples without labels that are no images are mixed, two by two, as the teacher says what a mixture is (Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", 2022): for where few samples
    /// would be learned by heart.
    /// </summary>
    internal bool Mixes { get; init; }

    /// <inheritdoc cref="TrainingLoop.Settle"/>
    internal Func<int, int, bool>? Settle { get; init; }

    /// <inheritdoc cref="TrainingLoop.ResumeSettled"/>
    internal Action? ResumeSettled { get; init; }

    /// <summary>Names of parameters without which training is of no use.</summary>
    internal IReadOnlyCollection<string> Required { get; init; } = [];

    /// <summary>Why some parameters were not trained. Known after <see cref="Run"/>.</summary>
    internal IReadOnlyList<GradientGap> Gaps { get; private set; } = [];

    /// <summary>Trains.</summary>
    /// <exception cref="GradientException">No parameter can be trained, or one that is <see cref="Required"/> can't, or there is nothing that teaches.</exception>
    /// <exception cref="InferenceException">ONNX Runtime runs one of the models on no sample.</exception>
    /// <exception cref="DatasetException">A sample is damaged, or its label is no class of the model.</exception>
    internal TrainingOutcome Run(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        (Dataset held, Dataset learned) = Part(data, plan);
        Sample first = learned.Read().First();
        Sample[] samples = [.. held.Read().Where(sample => sample.IsShapedAs(first))];
        if (samples.Length == 0)
        {
            throw new GradientException("The samples to judge by are of other shapes than those to learn from.");
        }

        (Model open, Model openTeacher, TrainingPlan fitted) = Fit(samples);
        TrainingBatches batches = new(learned, fitted.BatchSize, fitted.Seed);
        Sample[][] looked = [.. Whole(samples, fitted.BatchSize)];
        Tensor[] example = TrainingBatches.Join([.. looked[0].Select(sample => sample.Inputs)]);
        // Numbers of the teacher in half precision are read as float; a loss over the student's needs these to be float.
        Dictionary<Value, long[]> shapes = Shapes(open, example, ElementType.Float);
        Dictionary<string, long[]> teacherShapes = Shapes(openTeacher, example, ElementType.Float, ElementType.Float16).DistinctBy(entry => entry.Key.Name).ToDictionary(entry => entry.Key.Name, entry => entry.Value);
        IReadOnlyList<DistillationTarget> outputs = DistillationTarget.Outputs(open, openTeacher, Types(openTeacher), IsClassifier, shapes, teacherShapes);
        if (outputs.Count == 0)
        {
            throw new GradientException("No output holds float numbers that a teacher could teach.");
        }

        DistillationTarget[] targets = IsQuantized
            ? [.. outputs.Select(target => target with { KeepsNumbers = target.Kind == TargetKind.Classes })]
            : [.. outputs, .. DistillationTarget.Hints(open, shapes, teacherShapes)];
        using Teacher teaching = new(openTeacher, [.. targets.Select(target => target.Teacher)]);
        bool areLabelled = targets[0].Kind == TargetKind.Classes && data.HasLabels && shapes[open.Graph.Find(targets[0].Student)!] is [_, _]
            && first.HasClass;
        Inputs inputs = new(teaching, Augmentation(first, learned, teaching, targets[0]), areLabelled ? data.Path : null, Mixes, fitted.Seed);
        // Hints are large: the teacher is asked again at each look rather than that its answers are held.
        IEnumerable<IReadOnlyList<Tensor>> judged = looked.Select(inputs.AsTheyAre);
        (Value loss, Value distance) = DistillationLoss.Append(open.Graph, targets, [.. targets.Select(target => shapes[open.Graph.Find(target.Student)!])], Variances(judged, example.Length, targets.Length), areLabelled);
        TrainingProblem problem = new(open, loss.Name, parameters, judged.First());
        using Trainer trainer = new(problem, new TrainerSettings(fitted.Rule, fitted.ClipNorm, Threads: fitted.Threads));
        Gaps = trainer.Gaps;
        if (Gaps.FirstOrDefault(gap => gap.Parameters.Any(Required.Contains)) is { } gap)
        {
            throw new GradientException(gap.ToString());
        }

        TrainingLoop loop = new(fitted, trainer, batches)
        {
            Inputs = inputs.Augmented,
            Look = () => Look(problem, distance.Name, trainer, judged),
            Settle = Settle,
            ResumeSettled = ResumeSettled,
            Identity = $"{problem.Model.Digest()}; {openTeacher.Digest()}; {data.Count}",
        };
        return loop.Run(progress, cancellation);
    }

    /// <summary>Samples that nothing may be learned from, and the others. What a model that is to be trained was fitted to before, by least squares, is best the latter, too: else it seems better than it is where training is judged.</summary>
    internal static (Dataset Held, Dataset Learned) Part(Dataset data, TrainingPlan plan) =>
        // The same for any seed of the plan: several trainings of one model hold out the same samples.
        data.Count >= FewestToPart ? data.Part(Math.Clamp((int)Math.Round(plan.HeldOut * data.Count), 1, MostHeldOut)) : (data, data);

    /// <summary>The context in which a model is fitted that is to be trained: by its calibration data, without what is held out where that is the training data, and by training data where it has none.</summary>
    internal static PassContext Fitting(PassContext context, Dataset data, TrainingPlan plan) =>
        context.Calibration is { Count: > 0 } own && !ReferenceEquals(own, data) || data.Count == 0 ? context : context with { Calibration = Part(data, plan).Learned };

    /// <summary>Both models for as many samples at once as the plan says; where one of them takes no more than one, gradients are added up instead.</summary>
    private (Model Student, Model Teacher, TrainingPlan Plan) Fit(Sample[] samples)
    {
        Model raised = student.Clone();
        // The loss is of operators that old sets do not have.
        GradientBuilder.RaiseOpset(raised);
        (Model open, Model openTeacher) = (BatchAxis.Open(raised), BatchAxis.Open(teacher));
        Sample other = samples[^1];
        bool isFree = plan.BatchSize > 1 && BatchAxis.IsFree(open, samples[0].Inputs, other.Inputs) && BatchAxis.IsFree(openTeacher, samples[0].Inputs, other.Inputs);
        return isFree || plan.BatchSize == 1
            ? (open, openTeacher, plan)
            : (raised, teacher.Clone(), plan with { BatchSize = 1, Accumulation = plan.Accumulation * plan.BatchSize });
    }

    /// <summary>Images are augmented, all others are learned from as they are. They are mirrored where the teacher itself makes no difference between left and right.</summary>
    private ImageAugmentation? Augmentation(Sample first, Dataset learned, Teacher teaching, DistillationTarget target)
    {
        if (!first.Inputs.Any(ImageAugmentation.Takes))
        {
            return null;
        }

        Sample[] shown = [.. learned.Take(MirrorTrials, plan.Seed).Read().Where(sample => sample.IsShapedAs(first))];
        int same = target.Kind == TargetKind.Classes && first.Inputs[0].Dimensions[0] == 1
            ? shown.Count(sample => Best(teaching, sample.Inputs) == Best(teaching, [.. sample.Inputs.Select(input => ImageAugmentation.Takes(input) ? ImageAugmentation.Mirror(input) : input)]))
            : 0;
        return new ImageAugmentation(mayMirror: shown.Length > 0 && same >= MirrorAgreement * shown.Length);
    }

    /// <summary>The shapes of a model's values that are of some types.</summary>
    private static Dictionary<Value, long[]> Shapes(Model model, Tensor[] example, params ElementType[] wanted) =>
        ShapeProbe.Run(model, model.Graph.Outputs[0], example, out IReadOnlyDictionary<Value, ElementType> types).Where(entry => wanted.Contains(types[entry.Key])).ToDictionary();

    /// <summary>Element types of the outputs, which a file need not tell.</summary>
    private static ElementType[] Types(Model model)
    {
        using ModelSession session = ModelSession.Open(model);
        return [.. session.Outputs.Select(output => output.ElementType)];
    }

    private static int Best(Teacher teaching, IReadOnlyList<Tensor> inputs) => System.Numerics.Tensors.TensorPrimitives.IndexOfMax<float>(teaching.Answer(inputs)[0].Span<float>());

    /// <summary>Groups of one size; what is short at the end is filled from the start.</summary>
    private static IEnumerable<Sample[]> Whole(Sample[] samples, int size)
    {
        for (int start = 0; start < samples.Length; start += size)
        {
            yield return [.. Enumerable.Range(start, size).Select(i => samples[i % samples.Length])];
        }
    }

    /// <summary>Of each target in the teacher's answers, which stand behind the inputs; 1 where it is always the same.</summary>
    private static float[] Variances(IEnumerable<IReadOnlyList<Tensor>> judged, int first, int count)
    {
        (double Count, double Sum, double Squares)[] moments = new (double, double, double)[count];
        foreach (IReadOnlyList<Tensor> batch in judged)
        {
            for (int i = 0; i < count; i++)
            {
                foreach (float value in batch[first + i].AsSingles())
                {
                    moments[i] = (moments[i].Count + 1, moments[i].Sum + value, moments[i].Squares + ((double)value * value));
                }
            }
        }

        return Array.ConvertAll(moments, moment =>
        {
            double mean = moment.Sum / moment.Count;
            double variance = (moment.Squares / moment.Count) - (mean * mean);
            return variance > 0 && double.IsFinite(variance) ? (float)variance : 1;
        });
    }

    private static double Look(TrainingProblem problem, string distance, Trainer trainer, IEnumerable<IReadOnlyList<Tensor>> judged)
    {
        Model now = ObservedModel.Of(problem.Model, [distance]);
        trainer.Commit(now);
        using ModelSession session = ModelSession.Open(now, new SessionSettings(Environment.ProcessorCount));
        return judged.Average(batch =>
        {
            using SessionRun run = session.RunBorrowed(batch);
            return (double)run.Span<float>(0)[0];
        });
    }

    /// <summary>What the graph is given: samples, the teacher's answers to them, labels.</summary>
    /// <param name="labelled">Path of the data whose labels are learned from; null where none are.</param>
    private sealed class Inputs(Teacher teaching, ImageAugmentation? augmentation, string? labelled, bool mixes, int seed)
    {
        internal IReadOnlyList<Tensor> AsTheyAre(Sample[] samples) => Complete([.. samples.Select(sample => sample.Inputs)], samples);

        internal IReadOnlyList<Tensor> Augmented(Sample[] samples, int batch)
        {
            Random random = new(unchecked((seed * 7919) + batch));
            if (augmentation is null && mixes && labelled is null)
            {
                return Complete([.. samples.Select(sample => Mixed(sample.Inputs, samples[random.Next(samples.Length)].Inputs, random.NextSingle()))], samples);
            }

            return Complete([.. samples.Select(sample => augmentation is null ? sample.Inputs : [.. sample.Inputs.Select(input => ImageAugmentation.Takes(input) ? augmentation.Apply(input, random) : input)])], samples);
        }

        /// <summary>Of real numbers a mixture; what is of another type stays.</summary>
        private static Tensor[] Mixed(IReadOnlyList<Tensor> first, IReadOnlyList<Tensor> second, float share) => [.. first.Zip(second, (x, y) =>
        {
            if (x.ElementType != ElementType.Float)
            {
                return x;
            }

            float[] mixed = new float[x.Length];
            System.Numerics.Tensors.TensorPrimitives.Lerp(y.Span<float>(), x.Span<float>(), share, mixed);
            return Tensor.Create([.. x.Dimensions], mixed);
        })];

        private IReadOnlyList<Tensor> Complete(IReadOnlyList<Tensor>[] inputs, Sample[] samples)
        {
            Tensor[] joined = TrainingBatches.Join(inputs);
            IReadOnlyList<Tensor> taught = teaching.Answer(joined);
            return [.. joined, .. taught, .. labelled is null ? Array.Empty<Tensor>() : [Labels(samples, taught[0])]];
        }

        /// <summary>The classes of a batch. Where a sample has none, or a negative one, as is customary for none, the teacher's best stands for it.</summary>
        /// <exception cref="DatasetException">A label is no class of the model.</exception>
        private Tensor Labels(Sample[] samples, Tensor scores)
        {
            int classes = (int)scores.Dimensions[1];
            return Tensor.Vector([.. samples.Select((sample, row) => sample.HasClass && sample.Label!.Span<long>()[0] is >= 0 and var label
                ? label < classes
                    ? label
                    : throw new DatasetException(DatasetError.DoesNotFit, labelled!, $"the label {label} is not one of the model's classes, 0 to {classes - 1}")
                : System.Numerics.Tensors.TensorPrimitives.IndexOfMax(scores.Span<float>().Slice(row * classes, classes)))]);
        }
    }
}
