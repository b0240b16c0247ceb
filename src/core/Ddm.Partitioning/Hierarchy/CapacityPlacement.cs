namespace Ddm.Partitioning;

/// <summary>A generalised assignment problem, by local search: which cluster each weighted point goes to, when clusters can only take so much.</summary>
internal sealed class CapacityPlacement
{
    private const int MaxPasses = 20;
    private const double Gain = 1e-9; // relative: smaller improvements are rounding

    private readonly double[] weights;
    private readonly int clusters;
    private readonly double capacity;
    private readonly int[] counts;
    private readonly double[] costs; // [F, K]: weight times squared distance

    public CapacityPlacement(double[] weights, int clusters, double capacity, int[] assignment)
    {
        this.weights = weights;
        this.clusters = clusters;
        this.capacity = capacity * (1 + Gain);
        Assignment = (int[])assignment.Clone();
        Loads = new double[clusters];
        counts = new int[clusters];
        costs = new double[weights.Length * clusters];
        Count();
    }

    /// <summary>[F]: the cluster of each point.</summary>
    public int[] Assignment { get; private set; }

    /// <summary>[K]: weight of each cluster.</summary>
    public double[] Loads { get; }

    /// <summary>What the present placement costs.</summary>
    public double Cost => Enumerable.Range(0, weights.Length).Sum(i => CostOf(i, Assignment[i]));

    /// <summary>Takes the costs from centroids.</summary>
    public void Measure(float[] points, float[] centroids)
    {
        var dimensions = points.Length / weights.Length;
        for (var i = 0; i < weights.Length; i++)
        {
            for (var k = 0; k < clusters; k++)
            {
                var squared = 0.0;
                for (var d = 0; d < dimensions; d++)
                {
                    var difference = (double)points[i * dimensions + d] - centroids[k * dimensions + d];
                    squared += difference * difference;
                }

                costs[i * clusters + k] = weights[i] * squared;
            }
        }
    }

    /// <summary>Brings every cluster under the bound, cheaply if that works, else by packing the heaviest points first.</summary>
    /// <returns>False: no placement was found.</returns>
    public bool TryRepair()
    {
        for (var steps = 0; steps < 4 * weights.Length; steps++)
        {
            var heaviest = Array.IndexOf(Loads, Loads.Max());
            if (Loads[heaviest] <= capacity)
            {
                return true;
            }

            if (!MoveOut(heaviest) && !SwapOut(heaviest))
            {
                break;
            }
        }

        return Pack();
    }

    /// <summary>Moves and swaps while that lowers the cost.</summary>
    /// <returns>Whether anything changed.</returns>
    public bool Improve()
    {
        var changed = false;
        for (var pass = 0; pass < MaxPasses; pass++)
        {
            var before = changed;
            changed = false;
            for (var i = 0; i < weights.Length; i++)
            {
                changed |= ImproveByMove(i) || ImproveBySwap(i);
            }

            if (!changed)
            {
                return before;
            }
        }

        return changed;
    }

    private double CostOf(int point, int cluster) => costs[point * clusters + cluster];

    private bool ImproveByMove(int i)
    {
        var from = Assignment[i];
        var best = from;
        for (var k = 0; k < clusters && counts[from] > 1; k++)
        {
            if (k != from && Loads[k] + weights[i] <= capacity && CostOf(i, k) < CostOf(i, best) - Gain * CostOf(i, from))
            {
                best = k;
            }
        }

        if (best == from)
        {
            return false;
        }

        Move(i, best);
        return true;
    }

    private bool ImproveBySwap(int i)
    {
        var (best, bestGain) = (-1, 0.0);
        for (var j = 0; j < weights.Length; j++)
        {
            var (a, b) = (Assignment[i], Assignment[j]);
            if (a == b || Loads[a] - weights[i] + weights[j] > capacity || Loads[b] - weights[j] + weights[i] > capacity)
            {
                continue;
            }

            var present = CostOf(i, a) + CostOf(j, b);
            var gain = present - CostOf(i, b) - CostOf(j, a);
            if (gain > bestGain && gain > Gain * present)
            {
                (best, bestGain) = (j, gain);
            }
        }

        if (best < 0)
        {
            return false;
        }

        var (mine, other) = (Assignment[i], Assignment[best]);
        Move(i, other);
        Move(best, mine);
        return true;
    }

    // The point whose leaving costs least for the weight it takes along.
    private bool MoveOut(int from)
    {
        var (point, target, price) = (-1, -1, double.PositiveInfinity);
        for (var i = 0; i < weights.Length && counts[from] > 1; i++)
        {
            for (var k = 0; Assignment[i] == from && k < clusters; k++)
            {
                var extra = (CostOf(i, k) - CostOf(i, from)) / weights[i];
                if (k != from && Loads[k] + weights[i] <= capacity && extra < price)
                {
                    (point, target, price) = (i, k, extra);
                }
            }
        }

        if (point >= 0)
        {
            Move(point, target);
        }

        return point >= 0;
    }

    // A heavy point against a lighter one of a cluster that stays within the bound.
    private bool SwapOut(int from)
    {
        var (heavy, light, price) = (-1, -1, double.PositiveInfinity);
        for (var i = 0; i < weights.Length; i++)
        {
            for (var j = 0; Assignment[i] == from && j < weights.Length; j++)
            {
                var relief = weights[i] - weights[j];
                var to = Assignment[j];
                if (to == from || relief <= 0 || Loads[to] + relief > capacity)
                {
                    continue;
                }

                var extra = (CostOf(i, to) + CostOf(j, from) - CostOf(i, from) - CostOf(j, to)) / relief;
                if (extra < price)
                {
                    (heavy, light, price) = (i, j, extra);
                }
            }
        }

        if (heavy < 0)
        {
            return false;
        }

        var target = Assignment[light];
        Move(heavy, target);
        Move(light, from);
        return true;
    }

    // Heaviest first into the nearest cluster with room; if that leaves one out, into the lightest cluster.
    private bool Pack()
    {
        var order = Enumerable.Range(0, weights.Length).OrderByDescending(i => weights[i]).ToArray();
        return TryPack(order, (i, k) => CostOf(i, k)) || TryPack(order, (_, k) => Loads[k]);
    }

    private bool TryPack(int[] order, Func<int, int, double> price)
    {
        Array.Clear(Loads);
        Array.Clear(counts);
        for (var placed = 0; placed < order.Length; placed++)
        {
            var i = order[placed];
            var mustOpen = order.Length - placed <= counts.Count(count => count == 0); // no cluster may stay empty
            var fitting = Enumerable.Range(0, clusters).Where(k => Loads[k] + weights[i] <= capacity && (!mustOpen || counts[k] == 0)).ToArray();
            if (fitting.Length == 0)
            {
                return false;
            }

            var target = fitting.MinBy(k => price(i, k));
            Assignment[i] = target;
            Loads[target] += weights[i];
            counts[target]++;
        }

        return true;
    }

    private void Move(int point, int to)
    {
        var from = Assignment[point];
        Assignment[point] = to;
        Loads[from] -= weights[point];
        Loads[to] += weights[point];
        counts[from]--;
        counts[to]++;
    }

    private void Count()
    {
        for (var i = 0; i < weights.Length; i++)
        {
            Loads[Assignment[i]] += weights[i];
            counts[Assignment[i]]++;
        }
    }
}
