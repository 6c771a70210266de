using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Metrics;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>What measuring accuracy told as results carry it.</summary>
internal static class AccuracyContract
{
    internal static AccuracyDetails Of(AccuracyResult measured)
    {
        AccuracyDetails details = new()
        {
            SmallestResolvableDrop = measured.SmallestResolvableDrop,
            Agreement = measured.Agreement,
            Lost = measured.Answers?.Lost,
            Won = measured.Answers?.Won,
            PValue = measured.Answers?.PValue,
            ClassCount = measured.Confusion?.ClassCount ?? 0,
            IsWhole = measured.Confusion?.IsWhole ?? true,
        };
        foreach (ClassAnswers answers in measured.Confusion?.Classes ?? [])
        {
            details.Classes.Add(new ClassResult
            {
                Class = answers.Class, Name = answers.Name, Samples = answers.Samples,
                RightOriginal = answers.RightOriginal, RightOptimized = answers.RightOptimized,
                AnsweredOriginal = answers.AnsweredOriginal, AnsweredOptimized = answers.AnsweredOptimized,
            });
        }

        foreach (ConfusionCell cell in measured.Confusion?.Cells ?? [])
        {
            details.Confusion.Add(new ConfusionCount { Label = cell.Label, Answer = cell.Answer, Original = cell.Original, Optimized = cell.Optimized });
        }

        foreach (SliceDrop slice in measured.Slices)
        {
            details.Slices.Add(new SliceResult { Slice = slice.Slice, Samples = slice.Samples, Drop = slice.Drop.Value, Low = slice.Drop.Low, High = slice.Drop.High });
        }

        return details;
    }
}
