using ModelBuildTasks.Optimization.Pruning.Structured;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

[TestClass]
public class GroupEliminationTests
{
    private const int Inputs = 8, Outputs = 5, Rows = 64;

    private readonly double[,] moments = new double[Inputs, Inputs];
    private readonly double[,] weights = new double[Outputs, Inputs];

    public GroupEliminationTests()
    {
        Random random = new(3);
        for (int row = 0; row < Rows; row++)
        {
            double shared = random.NextDouble();
            double[] x = [.. Enumerable.Range(0, Inputs).Select(_ => shared + random.NextDouble() - 0.5)];
            for (int i = 0; i < Inputs; i++)
            {
                for (int j = 0; j < Inputs; j++)
                {
                    moments[i, j] += x[i] * x[j];
                }
            }
        }

        for (int i = 0; i < weights.Length; i++)
        {
            weights[i / Inputs, i % Inputs] = random.NextDouble() - 0.5;
        }
    }

    [TestMethod]
    [Timeout(30_000)]
    public void What_no_ridge_makes_definite_has_no_loss_that_could_be_told()
    {
        // The inverse of the smallest moments is infinite in single precision.
        GroupElimination elimination = GroupElimination.Of([1e-39f, 0, 0, 1e-39f], [1, 0, 0, 1], 2, CancellationToken.None)!;

        Assert.IsTrue(double.IsNaN(elimination.LossOf([0])));
    }

    [TestMethod]
    public void The_loss_is_that_of_the_best_weights_that_are_left()
    {
        Assert.AreEqual(LeastError(2, 3), Start().LossOf([2, 3]), 1e-3 * LeastError(2, 3));
    }

    [TestMethod]
    public void Losses_of_groups_one_after_the_other_add_up_to_that_of_all()
    {
        GroupElimination elimination = Start();

        double first = elimination.LossOf([1]);
        elimination.Remove([1], CancellationToken.None);
        double second = elimination.LossOf([4, 6]);
        elimination.Remove([4, 6], CancellationToken.None);
        double third = elimination.LossOf([0]);

        double expected = LeastError(0, 1, 4, 6);
        Assert.AreEqual(expected, first + second + third, 1e-3 * expected);
    }

    [TestMethod]
    public void Of_two_inputs_that_tell_the_same_the_first_goes_for_nothing_and_the_second_does_not()
    {
        float[] moments = [4, 4, 1, 4, 4, 1, 1, 1, 3];
        for (int i = 0; i < 3; i++)
        {
            moments[i * 4] += 1e-3f;
        }

        GroupElimination elimination = GroupElimination.Of(moments, [1, 1, 1, 1, 1, 1, 1, 1, 1], 3, CancellationToken.None)!;

        Assert.IsLessThan(1e-2, elimination.LossOf([0]));
        elimination.Remove([0], CancellationToken.None);
        Assert.IsGreaterThan(10, elimination.LossOf([1]));
    }

    [TestMethod]
    public void A_group_of_nothing_costs_nothing() => Assert.AreEqual(0, Start().LossOf([]));

    private GroupElimination Start()
    {
        float[] products = new float[Inputs * Inputs];
        for (int i = 0; i < products.Length; i++)
        {
            products[i] = (float)Enumerable.Range(0, Outputs).Sum(output => weights[output, i / Inputs] * weights[output, i % Inputs]);
        }

        return GroupElimination.Of([.. moments.Cast<double>().Select(moment => (float)moment)], products, Inputs, CancellationToken.None)!;
    }

    /// <summary>The squared error of all outputs after least squares over the inputs that are left.</summary>
    private double LeastError(params int[] removed)
    {
        int[] left = [.. Enumerable.Range(0, Inputs).Except(removed)];
        double error = 0;
        for (int output = 0; output < Outputs; output++)
        {
            double[] dense = [.. Enumerable.Range(0, Inputs).Select(i => weights[output, i])];
            double[] target = [.. left.Select(i => Enumerable.Range(0, Inputs).Sum(j => moments[i, j] * dense[j]))];
            double[] solved = PlainAlgebra.Solve(PlainAlgebra.Part(moments, left), target);
            double[] difference = [.. dense];
            for (int i = 0; i < left.Length; i++)
            {
                difference[left[i]] -= solved[i];
            }

            error += Enumerable.Range(0, Inputs).Sum(i => Enumerable.Range(0, Inputs).Sum(j => difference[i] * moments[i, j] * difference[j]));
        }

        return error;
    }
}
