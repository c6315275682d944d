//! Salt's layout.

use super::*;

#[test]
fn highstate_is_salts_layout() {
    let mode = StateOutput { detail: Detail::Full, label: Label::Name };
    assert_snapshot!(plain(&highstate(&eventful(), mode, &View::for_tests())), @"
    local:
    ----------
              ID: frontend
        Function: network.present
          Result: True
         Comment: network frontend was created: does not exist
         Started: 17:13:08.400737
        Duration: 184.666 ms
         Changes:   
                  ----------
                  create:
                      frontend
    ----------
              ID: web
        Function: container.running
          Result: True
         Comment: container web was replaced: image and 3 more fields differ (brief interruption)
         Started: 17:13:08.400737
        Duration: 184.666 ms
         Changes:   
                  ----------
                  container:
                      ----------
                      env.LOG_LEVEL:
                          ----------
                          new:
                              debug
                          old:
                              info
                      env.OLD:
                          ----------
                          new:
                              None
                          old:
                              x
                      image:
                          ----------
                          new:
                              nginx:2
                          old:
                              nginx:1
                      memory:
                          ----------
                          new:
                              512m
                          old:
                              None
                      volumes:
                          ----------
                          new:
                              - /srv/app:/data
                              - /etc/app:/etc2:ro
                              - logs:/var/log
                          old:
                              - /srv/app:/data:ro
                              - /etc/app:/etc2:ro
                              - logs:/var/log
    ----------
              ID: database
        Function: container.running
            Name: db
          Result: False
         Comment: start container db: it exited with code 1
                  | PANIC: no space left
                  | bye
                  hint: docker logs db
         Started: 17:13:08.400737
        Duration: 184.666 ms
         Changes:   
    ----------
              ID: cron
        Function: container.running
          Result: False
         Comment: container.db failed
         Changes:   
    ----------
              ID: data
        Function: volume.present
          Result: True
         Comment: volume data is as declared
                  note: labels of a volume cannot be changed
         Started: 17:13:08.400737
        Duration: 184.666 ms
         Changes:   
    ----------
              ID: nginx:2
        Function: image.present
          Result: True
         Comment: image nginx:2 is as declared
         Started: 17:13:08.400737
        Duration: 184.666 ms
         Changes:   

    Summary for local
    ------------
    Succeeded: 4 (changed=2)
    Failed:    2
    ------------
    Total states run:     6
    Total run time:   1.108 s
    ");
}

/// The example that was measured with Salt itself (`reference/salt.md` d).
#[test]
fn highstate_is_what_salt_printed() {
    let mut web = change("container", "running", "saltmeas-web", Action::Replace);
    web.diff = vec![diff(
        "Binds",
        json!(["/srv/app:/data:ro", "/etc/app:/etc2:ro"]),
        json!(["/etc/app:/etc2:ro", "/srv/app:/data:ro"]),
        Impact::Replace,
    )];
    let mut report = run(vec![(web, ended(Ending::Pending))]);
    report.dry_run = true;
    let mode = StateOutput { detail: Detail::Full, label: Label::Name };
    let expected = "\
local:
----------
          ID: saltmeas-web
    Function: container.running
      Result: None
     Comment: container saltmeas-web would be replaced
     Started: 17:13:08.400737
    Duration: 184.666 ms
     Changes:   
              ----------
              container:
                  ----------
                  Binds:
                      ----------
                      new:
                          - /etc/app:/etc2:ro
                          - /srv/app:/data:ro
                      old:
                          - /srv/app:/data:ro
                          - /etc/app:/etc2:ro

Summary for local
------------
Succeeded: 1 (unchanged=1, changed=1)
Failed:    0
------------
Total states run:     1
Total run time: 184.666 ms
";
    assert_eq!(plain(&highstate(&report, mode, &View::for_tests())), expected);
}

#[test]
fn highstate_modes_shorten_what_went_well() {
    let lines = |mode: &str| {
        let text = highstate(&eventful(), mode.parse().expect("a mode"), &View::for_tests());
        let text = plain(&text);
        let told = text.lines().filter(|line| line.starts_with("  Name: ") || line.contains("ID: "));
        told.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    assert_snapshot!(lines("terse_id"), @"
    Name: frontend - Function: network.present - Result: Changed - Started: 17:13:08.400737 - Duration: 184.666 ms
    Name: web - Function: container.running - Result: Changed - Started: 17:13:08.400737 - Duration: 184.666 ms
    Name: database - Function: container.running - Result: Failed - Started: 17:13:08.400737 - Duration: 184.666 ms
    Name: cron - Function: container.running - Result: Failed
    Name: data - Function: volume.present - Result: Clean - Started: 17:13:08.400737 - Duration: 184.666 ms
    Name: nginx:2 - Function: image.present - Result: Clean - Started: 17:13:08.400737 - Duration: 184.666 ms
    ");
    assert_snapshot!(lines("mixed"), @"
    Name: frontend - Function: network.present - Result: Changed - Started: 17:13:08.400737 - Duration: 184.666 ms
    Name: web - Function: container.running - Result: Changed - Started: 17:13:08.400737 - Duration: 184.666 ms
            ID: database
            ID: cron
    Name: data - Function: volume.present - Result: Clean - Started: 17:13:08.400737 - Duration: 184.666 ms
    Name: nginx:2 - Function: image.present - Result: Clean - Started: 17:13:08.400737 - Duration: 184.666 ms
    ");
    assert_snapshot!(lines("changes"), @"
            ID: frontend
            ID: web
            ID: database
            ID: cron
    Name: data - Function: volume.present - Result: Clean - Started: 17:13:08.400737 - Duration: 184.666 ms
    Name: nginx:2 - Function: image.present - Result: Clean - Started: 17:13:08.400737 - Duration: 184.666 ms
    ");
}
