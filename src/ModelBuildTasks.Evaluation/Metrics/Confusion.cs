namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>Which classes two models take for which: whole for few classes, else the part that changed most.</summary>
/// <param name="ClassCount">Classes that occur as label or answer.</param>
/// <param name="Classes">All of up to <see cref="MostClasses"/> classes by index; of more, those whose share of right answers changed most, and those of the cells.</param>
/// <param name="Cells">
/// Every label with every answer that one of the models gives to it, by label and answer; of more classes than <see cref="MostClasses"/>, the <see cref="MostCells"/> whose counts changed most.
/// </param>
public sealed record Confusion(int ClassCount, IReadOnlyList<ClassAnswers> Classes, IReadOnlyList<ConfusionCell> Cells)
{
    /// <summary>Classes up to which the matrix is whole: as many as a page can show.</summary>
    public const int MostClasses = 32;

    /// <summary>Cells of larger matrices.</summary>
    public const int MostCells = 40;

    /// <summary>Whether nothing is left out.</summary>
    public bool IsWhole => ClassCount <= MostClasses;

    /// <param name="answers">What both models make of each sample, with labels.</param>
    /// <param name="classNames">Names of classes by index, as far as there are any.</param>
    internal static Confusion Of(IReadOnlyCollection<GroupedAnswer> answers, IReadOnlyList<string> classNames)
    {
        Dictionary<(int Label, int Answer), (int Original, int Optimized)> counts = [];
        foreach (GroupedAnswer answer in answers)
        {
            (int original, int optimized) = counts.GetValueOrDefault((answer.Label, answer.Original));
            counts[(answer.Label, answer.Original)] = (original + 1, optimized);
            (original, optimized) = counts.GetValueOrDefault((answer.Label, answer.Optimized));
            counts[(answer.Label, answer.Optimized)] = (original, optimized + 1);
        }

        ConfusionCell[] cells = [.. counts.Select(entry => new ConfusionCell(entry.Key.Label, entry.Key.Answer, entry.Value.Original, entry.Value.Optimized))
            .OrderBy(cell => cell.Label).ThenBy(cell => cell.Answer)];
        ClassAnswers[] classes = Totals(cells, classNames);
        if (classes.Length <= MostClasses)
        {
            return new Confusion(classes.Length, classes, cells);
        }

        ConfusionCell[] changed = [.. cells.Where(cell => cell.Change != 0).OrderByDescending(cell => Math.Abs(cell.Change)).Take(MostCells)];
        HashSet<int> told = [
            .. changed.SelectMany(cell => (int[])[cell.Label, cell.Answer]),
            .. classes.OrderByDescending(entry => Math.Abs(entry.RightOriginal - entry.RightOptimized) / (double)Math.Max(1, entry.Samples)).Take(MostClasses).Select(entry => entry.Class)];
        return new Confusion(classes.Length, [.. classes.Where(entry => told.Contains(entry.Class))], changed);
    }

    private static ClassAnswers[] Totals(ConfusionCell[] cells, IReadOnlyList<string> classNames)
    {
        SortedDictionary<int, ClassAnswers> totals = [];
        ClassAnswers Of(int index) => totals.GetValueOrDefault(index) ?? new ClassAnswers(index, classNames.ElementAtOrDefault(index), 0, 0, 0, 0, 0);
        foreach (ConfusionCell cell in cells)
        {
            ClassAnswers label = Of(cell.Label);
            totals[cell.Label] = label with { Samples = label.Samples + cell.Original };
            if (cell.Answer != ClassScores.None)
            {
                ClassAnswers answer = Of(cell.Answer);
                answer = answer with { AnsweredOriginal = answer.AnsweredOriginal + cell.Original, AnsweredOptimized = answer.AnsweredOptimized + cell.Optimized };
                totals[cell.Answer] = cell.Label == cell.Answer ? answer with { RightOriginal = cell.Original, RightOptimized = cell.Optimized } : answer;
            }
        }

        return [.. totals.Values];
    }
}

/// <summary>How often a label got an answer.</summary>
/// <param name="Label">The right class.</param>
/// <param name="Answer">The answer; −1 where a score is not a number.</param>
/// <param name="Original">Samples to which the original gives it.</param>
/// <param name="Optimized">Samples to which the optimized model gives it.</param>
public sealed record ConfusionCell(int Label, int Answer, int Original, int Optimized)
{
    internal int Change => Optimized - Original;
}

/// <summary>Answers of one class: precision is right over answered, recall right over samples.</summary>
/// <param name="Class">Class index.</param>
/// <param name="Name">Its name; null when the data set names none.</param>
/// <param name="Samples">Samples with this label.</param>
/// <param name="RightOriginal">Of these, the original has right.</param>
/// <param name="RightOptimized">Of these, the optimized model has right.</param>
/// <param name="AnsweredOriginal">Samples of any label to which the original gives this class.</param>
/// <param name="AnsweredOptimized">Samples of any label to which the optimized model gives this class.</param>
public sealed record ClassAnswers(int Class, string? Name, int Samples, int RightOriginal, int RightOptimized, int AnsweredOriginal, int AnsweredOptimized);
