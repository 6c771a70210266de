using System.Collections.Generic;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>What measuring accuracy told besides the scores: which answers changed, where, and what so many samples can tell.</summary>
public sealed class AccuracyDetails
{
    /// <summary>The smallest drop that so many samples can tell from none, in the metric's unit.</summary>
    public double SmallestResolvableDrop { get; set; }

    /// <summary>Share of samples to which both models give the same class; null when the first output is no vector of scores.</summary>
    public double? Agreement { get; set; }

    /// <summary>Samples that the source model has right and the artifact wrong; null without class labels, as everything below.</summary>
    public int? Lost { get; set; }

    /// <summary>The other way round.</summary>
    public int? Won { get; set; }

    /// <summary>How likely chance alone parts lost and won so unevenly, 0 to 1: McNemar's exact test, two-sided.</summary>
    public double? PValue { get; set; }

    /// <summary>Classes that occur as label or answer; 0 when there are none.</summary>
    public int ClassCount { get; set; }

    /// <summary>Classes by index; where there are more than a page can show, those that changed most. Empty when there are none.</summary>
    public IList<ClassResult> Classes { get; } = [];

    /// <summary>The confusion matrices of both models by label and answer; of large ones, the cells that changed most.</summary>
    public IList<ConfusionCount> Confusion { get; } = [];

    /// <summary>Whether <see cref="Classes"/> and <see cref="Confusion"/> are whole.</summary>
    public bool IsWhole { get; set; }

    /// <summary>Slices of the data, the one that lost most first; empty when it names none.</summary>
    public IList<SliceResult> Slices { get; } = [];

    internal static AccuracyDetails? Read(JsonObject? json)
    {
        if (json is null)
        {
            return null;
        }

        var details = new AccuracyDetails
        {
            SmallestResolvableDrop = json.Number(nameof(SmallestResolvableDrop)) ?? 0,
            Agreement = json.Number(nameof(Agreement)),
            Lost = (int?)json.Integer(nameof(Lost)),
            Won = (int?)json.Integer(nameof(Won)),
            PValue = json.Number(nameof(PValue)),
            ClassCount = (int)(json.Integer(nameof(ClassCount)) ?? 0),
            IsWhole = json.Flag(nameof(IsWhole)),
        };
        foreach (var entry in json.Objects(nameof(Classes)))
        {
            details.Classes.Add(ClassResult.Read(entry));
        }

        foreach (var entry in json.Objects(nameof(Confusion)))
        {
            details.Confusion.Add(ConfusionCount.Read(entry));
        }

        foreach (var entry in json.Objects(nameof(Slices)))
        {
            details.Slices.Add(SliceResult.Read(entry));
        }

        return details;
    }

    internal void Write(JsonWriter json) => json
        .Add(nameof(SmallestResolvableDrop), (double?)SmallestResolvableDrop)
        .Add(nameof(Agreement), Agreement)
        .Add(nameof(Lost), Lost)
        .Add(nameof(Won), Won)
        .Add(nameof(PValue), PValue)
        .Add(nameof(ClassCount), ClassCount)
        .Add(nameof(IsWhole), IsWhole)
        .Objects(nameof(Classes), Classes, (entry, inner) => entry.Write(inner))
        .Objects(nameof(Confusion), Confusion, (entry, inner) => entry.Write(inner))
        .Objects(nameof(Slices), Slices, (entry, inner) => entry.Write(inner));
}

/// <summary>One class before and after. Recall is right over samples, precision right over answers.</summary>
public sealed class ClassResult
{
    public int Class { get; set; }

    /// <summary>Null when the data set names no classes.</summary>
    public string? Name { get; set; }

    /// <summary>Samples with this label.</summary>
    public int Samples { get; set; }

    /// <summary>Of these, the source model has right.</summary>
    public int RightOriginal { get; set; }

    /// <summary>Of these, the artifact has right.</summary>
    public int RightOptimized { get; set; }

    /// <summary>Samples of any label to which the source model gives this class.</summary>
    public int AnsweredOriginal { get; set; }

    /// <summary>Samples of any label to which the artifact gives this class.</summary>
    public int AnsweredOptimized { get; set; }

    /// <summary>The class for people: "3", or "3 cat".</summary>
    public string Title => Name is null ? $"{Class}" : $"{Class} {Name}";

    internal static ClassResult Read(JsonObject json) => new()
    {
        Class = Integer(json, nameof(Class)),
        Name = json.Text(nameof(Name)),
        Samples = Integer(json, nameof(Samples)),
        RightOriginal = Integer(json, nameof(RightOriginal)),
        RightOptimized = Integer(json, nameof(RightOptimized)),
        AnsweredOriginal = Integer(json, nameof(AnsweredOriginal)),
        AnsweredOptimized = Integer(json, nameof(AnsweredOptimized)),
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Class), Class)
        .Add(nameof(Name), Name)
        .Add(nameof(Samples), Samples)
        .Add(nameof(RightOriginal), RightOriginal)
        .Add(nameof(RightOptimized), RightOptimized)
        .Add(nameof(AnsweredOriginal), AnsweredOriginal)
        .Add(nameof(AnsweredOptimized), AnsweredOptimized);

    private static int Integer(JsonObject json, string name) => (int)(json.Integer(name) ?? 0);
}

/// <summary>How often a label got an answer.</summary>
public sealed class ConfusionCount
{
    /// <summary>An answer that is no class, because a score is not a number.</summary>
    public const int NoClass = -1;

    public int Label { get; set; }

    /// <summary>The class that was answered, or <see cref="NoClass"/>.</summary>
    public int Answer { get; set; }

    /// <summary>Samples to which the source model gives it.</summary>
    public int Original { get; set; }

    /// <summary>Samples to which the artifact gives it.</summary>
    public int Optimized { get; set; }

    internal static ConfusionCount Read(JsonObject json) => new()
    {
        Label = (int)(json.Integer(nameof(Label)) ?? 0),
        Answer = (int)(json.Integer(nameof(Answer)) ?? 0),
        Original = (int)(json.Integer(nameof(Original)) ?? 0),
        Optimized = (int)(json.Integer(nameof(Optimized)) ?? 0),
    };

    internal void Write(JsonWriter json) => json.Add(nameof(Label), Label).Add(nameof(Answer), Answer).Add(nameof(Original), Original).Add(nameof(Optimized), Optimized);
}

/// <summary>How much the samples of a slice lost, as a share of right answers.</summary>
public sealed class SliceResult
{
    public string Slice { get; set; } = "";

    public int Samples { get; set; }

    public double Drop { get; set; }

    /// <summary>Lower end of the interval, which holds with 95 % for all classes and slices together.</summary>
    public double Low { get; set; }

    /// <summary>Upper end of that interval.</summary>
    public double High { get; set; }

    internal static SliceResult Read(JsonObject json) => new()
    {
        Slice = json.Text(nameof(Slice)) ?? "",
        Samples = (int)(json.Integer(nameof(Samples)) ?? 0),
        Drop = json.Number(nameof(Drop)) ?? 0,
        Low = json.Number(nameof(Low)) ?? 0,
        High = json.Number(nameof(High)) ?? 0,
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Slice), Slice)
        .Add(nameof(Samples), Samples)
        .Add(nameof(Drop), (double?)Drop)
        .Add(nameof(Low), (double?)Low)
        .Add(nameof(High), (double?)High);
}
