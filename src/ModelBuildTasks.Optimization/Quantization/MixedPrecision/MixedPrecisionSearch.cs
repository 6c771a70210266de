using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>
/// Returns to float the nodes whose integers cost most accuracy for the time they save. Each node is left out once by itself, which tells the noise
/// that it brings to the outputs and so an order, the best bargain first; then the first of that order are left out together, more and more of them, and the
/// best of these choices is taken. For the CPU, float means float32: neither float16 nor 16-bit integers have faster kernels there.
/// </summary>
internal sealed class MixedPrecisionSearch
{
    /// <summary>Above this ratio nothing is done: for classes it means that fewer than 2 answers in 100 change.</summary>
    internal const double Goal = 35;

    /// <summary>
    /// Below this one, accuracy is bought at any price that leaves integers faster: more than an eighth of the answers change, or noise is an eighth of what tells
    /// the numbers of an output apart. MobileNet and the detectors are there when everything is in integers.
    /// </summary>
    private const double Floor = 18;

    /// <summary>Between the two, a decibel is worth this share of the time.</summary>
    private const double TimePerDecibel = 0.04;

    /// <summary>The same below <see cref="Floor"/>: more than any time that can be saved.</summary>
    private const double TimePerDecibelBelowFloor = 1;

    /// <summary>Integers must stay faster than float by more than the prediction may be wrong.</summary>
    private const double MostOfFloatTime = 0.92;

    /// <summary>Gains below this many decibels are the luck of the samples.</summary>
    private const double SmallestGain = 0.05;

    /// <summary>From one choice to the next, this share more is left out: neighbours among many differ little.</summary>
    private const double Growth = 0.15;

    private readonly CalibratedModel model;
    private readonly FidelityProbe probe;
    private readonly MeasuredChoice start;
    private readonly double floatTime;

    /// <summary>A choice that takes longer would be worth less than the start if it had no noise at all, and need not be measured.</summary>
    private readonly double longestThatMayPay;

    private readonly ParallelOptions options;

    /// <summary>Whether accuracy is asked for: layers that help little by themselves may then be needed, too.</summary>
    private readonly bool isAsked;

    private MixedPrecisionSearch(CalibratedModel model, FidelityProbe probe, MeasuredChoice start, PassContext context)
    {
        this.model = model;
        this.probe = probe;
        this.start = start;
        floatTime = SelectionTime.OfFloat(model.Candidates);
        // Accuracy that is asked for is bought at any price.
        isAsked = context.JudgeAccuracy is not null;
        longestThatMayPay = isAsked ? double.PositiveInfinity : Math.Exp(TimePerDecibel * Goal - Worth(start));
        options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = context.CancellationToken };
    }

    /// <summary>
    /// The choice with as much more in float as pays; <paramref name="start"/> itself where it is good enough. Where that does not keep the accuracy
    /// (<see cref="PassContext.JudgeAccuracy"/>), the one with the fewest more in float that does; if none does, the nearest to float.
    /// </summary>
    /// <exception cref="InferenceException">A form cannot be run.</exception>
    /// <param name="sensitivities">Gets the decibels that each node would bring back in float, as far as that is tried.</param>
    internal static MeasuredChoice Improve(CalibratedModel model, MeasuredChoice start, FidelityProbe probe, PassContext context, Dictionary<Node, double> sensitivities)
    {
        if (!model.Candidates.IsForCpu || (start.Noise.Decibels >= Goal && context.JudgeAccuracy is null))
        {
            return start;
        }

        model.ObserveAll(start.Choice.Selection);
        MixedPrecisionSearch search = new(model, probe, start, context);
        MeasuredChoice[] choices = search.Choices(sensitivities);
        MeasuredChoice best = choices.Aggregate((best, next) => Worth(next) > Worth(best) + SmallestGain * TimePerDecibel ? next : best);
        return context.JudgeAccuracy is { } judge ? search.Fewest([.. choices.Where(choice => choice.Noise.Decibels >= best.Noise.Decibels)], judge) : best;
    }

    /// <summary>The start, and the choices with more and more in float that are fast enough.</summary>
    private MeasuredChoice[] Choices(Dictionary<Node, double> sensitivities)
    {
        (Node Node, string Reason)[] ranked = [.. Ranked(sensitivities)];
        List<QuantizationChoice> choices = [];
        for (int count = 1; count <= ranked.Length; count += 1 + (int)(count * Growth))
        {
            choices.Add(model.Fastest(Without(ranked[..count])));
        }

        double longest = Math.Min(Math.Max(MostOfFloatTime * floatTime, start.Time), longestThatMayPay);
        return [start, .. Measure([.. choices.Where(choice => TimeOf(choice) <= longest)])];
    }

    /// <summary>The noisiest choice that keeps the accuracy, by bisection: each look takes an evaluation.</summary>
    private MeasuredChoice Fewest(MeasuredChoice[] choices, Func<Model, AccuracyVerdict> judge)
    {
        MeasuredChoice[] noisyFirst = [.. choices.OrderBy(choice => choice.Noise.Decibels).ThenBy(choice => choice.Time)];
        int first = 0;
        for (int last = noisyFirst.Length - 1; first < last;)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            int middle = (first + last) / 2;
            (first, last) = judge(model.Form(noisyFirst[middle].Choice)).IsKept ? (first, middle) : (middle + 1, last);
        }

        return noisyFirst[first];
    }

    /// <summary>The chosen nodes that help when they alone are left out, the most decibels for the time first.</summary>
    private IEnumerable<(Node Node, string Reason)> Ranked(Dictionary<Node, double> sensitivities)
    {
        (Node Node, QuantizationChoice Choice)[] without =
        [
            .. start.Choice.Selection.Nodes
                .Select(node => (node, model.All(Without([(node, "it is left out to see what it costs")]))))
                .Where(entry => TimeOf(entry.Item2) <= longestThatMayPay),
        ];
        MeasuredChoice[] measured = Measure([.. without.Select(entry => entry.Choice)]);
        for (int i = 0; i < without.Length; i++)
        {
            sensitivities[without[i].Node] = measured[i].Noise.Decibels - start.Noise.Decibels;
        }

        double shortest = start.Time * TimePerDecibel * SmallestGain;
        return without
            .Select((entry, index) => (entry.Node, Decibels: measured[index].Noise.Decibels - start.Noise.Decibels, Time: measured[index].Time - start.Time))
            .Where(entry => entry.Decibels > SmallestGain || isAsked)
            .OrderByDescending(entry => entry.Decibels / Math.Max(entry.Time, shortest))
            .ThenBy(entry => entry.Node.Output.Name, StringComparer.Ordinal)
            .Select(entry => (entry.Node, FormattableString.Invariant(
                $"integers would take {entry.Decibels:0.0} dB of the outputs' fidelity for {Math.Max(0, entry.Time) / floatTime:0.0%} of the time")));
    }

    /// <summary>What a choice is worth: its fidelity, less the logarithm of its time.</summary>
    private static double Worth(MeasuredChoice choice) =>
        TimePerDecibel * Math.Min(choice.Noise.Decibels, Goal)
        + TimePerDecibelBelowFloor * Math.Min(choice.Noise.Decibels - Floor, 0)
        - Math.Log(choice.Time);

    private double TimeOf(QuantizationChoice choice) => SelectionTime.Of(model.Candidates, choice.Selection);

    private FloatNodes Without(IEnumerable<(Node Node, string Reason)> nodes)
    {
        FloatNodes inFloat = new(start.Choice.InFloat);
        foreach ((Node node, string reason) in nodes)
        {
            inFloat.Add(node, reason);
        }

        return inFloat;
    }

    private MeasuredChoice[] Measure(List<QuantizationChoice> choices)
    {
        MeasuredChoice[] measured = new MeasuredChoice[choices.Count];
        try
        {
            Parallel.For(0, choices.Count, options, i => measured[i] = MeasuredChoice.Of(model, choices[i], probe));
        }
        catch (AggregateException failures) when (failures.InnerExceptions.OfType<InferenceException>().FirstOrDefault() is { } refused)
        {
            throw new InferenceException(refused.Message, refused);
        }

        return measured;
    }
}
