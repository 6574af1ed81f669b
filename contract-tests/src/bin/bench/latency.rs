//! How long sequential warm adds of one person each take over loopback, and how many WhatsApp round trips each costs.

use std::time::Instant;

use contract_tests::bystander::quantile;
use whatsapp_standin::Person;

use crate::Sizes;
use crate::rig::{ADD, Bench, end, group, in_ms, phone};

pub(crate) async fn run(sizes: &Sizes) {
    let adds = sizes.get("adds");
    let bench = Bench::new().await;
    let account = phone(0);
    let gid = bench.standin.add_group(group(&account, 0, 1));
    let gateway = bench.serve().await;
    let session = bench.session(&bench.caller(&gateway), &account).await;

    let warm_up = adds / 10;
    let mut times = Vec::with_capacity(adds);
    let mut asked = 0;
    for n in 0..warm_up + adds {
        if n == warm_up {
            asked = bench.standin.iq_counts_of(&account).values().sum();
        }
        let person = phone(1 + n);
        bench.standin.add_person(Person::new(&person));
        let call = session.add(&gid, &[&person]);
        let begun = Instant::now();
        call.send().await.expect_no_content();
        if n >= warm_up {
            times.push(begun.elapsed());
        }
    }
    let counts = bench.standin.iq_counts_of(&account);
    let all: u64 = counts.values().sum();
    times.sort_unstable();
    println!(
        "  median {:.3} ms, p99 {:.3} ms, longest {:.3} ms",
        in_ms(quantile(&times, 0.5)),
        in_ms(quantile(&times, 0.99)),
        in_ms(quantile(&times, 1.0))
    );
    println!(
        "  {:.3} IQs a call, pings included; {} adds in all, of which {warm_up} to warm up",
        (all - asked) as f64 / adds as f64,
        counts[ADD]
    );
    end(gateway).await;
}
